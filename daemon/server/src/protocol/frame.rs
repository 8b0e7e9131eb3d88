//! Frames: `Content-Length: N`, an empty line, N bytes. Bounded, and in step again after a bad header.
//!
//! The reader of the LSP crate waits for as many bytes as a header claims, and keeps what it cannot parse; ours
//! refuses a claim beyond the limit at once, and says what was wrong.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest body: several times the largest document that editors open.
pub const MAX_BODY_BYTES: usize = 64 << 20;
/// Longest block of headers.
pub const MAX_HEADER_BYTES: usize = 8 << 10;
/// What is set aside before the bytes have come.
const FIRST_RESERVE_BYTES: usize = 1 << 20;

/// Why there is no next frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A block of headers without a usable length. The next frame can be read.
    #[error("a block of headers without a usable Content-Length: {0}")]
    Header(String),
    /// A claim beyond the limit. The stream cannot be read any further.
    #[error("a frame of {length} bytes, more than the {limit} allowed")]
    TooLong {
        /// Bytes claimed.
        length: u64,
        /// Bytes allowed.
        limit: usize,
    },
    /// Reading failed, or the stream ended within a frame.
    #[error("reading a frame: {0}")]
    Read(#[from] std::io::Error),
}

impl FrameError {
    /// Can the next frame be read?
    pub fn is_recoverable(&self) -> bool {
        matches!(self, Self::Header(_))
    }
}

/// Reads the next body; `None` at the end of the stream.
pub async fn read<R: AsyncBufRead + Unpin>(reader: &mut R) -> Result<Option<Vec<u8>>, FrameError> {
    let Some(length) = read_header(reader).await? else { return Ok(None) };
    let mut body = Vec::with_capacity(length.min(FIRST_RESERVE_BYTES));
    let got = reader.take(length as u64).read_to_end(&mut body).await?;
    if got < length {
        return Err(FrameError::Read(std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(Some(body))
}

/// Length of the body that follows.
async fn read_header<R: AsyncBufRead + Unpin>(reader: &mut R) -> Result<Option<usize>, FrameError> {
    let mut used = 0;
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let left = MAX_HEADER_BYTES - used;
        let got = (&mut *reader).take(left as u64).read_until(b'\n', &mut line).await?;
        if got == 0 && left > 0 {
            // Between frames this is the end; within a header it is a cut.
            return if used == 0 {
                Ok(None)
            } else {
                Err(FrameError::Read(std::io::ErrorKind::UnexpectedEof.into()))
            };
        }
        used += got;
        if !line.ends_with(b"\n") && used >= MAX_HEADER_BYTES {
            return Err(FrameError::TooLong { length: used as u64, limit: MAX_HEADER_BYTES });
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            if used == got {
                // An empty line between frames: some clients send one.
                used = 0;
                continue;
            }
            break;
        }
        let Some(colon) = text.iter().position(|&byte| byte == b':') else { continue };
        if text[..colon].trim_ascii().eq_ignore_ascii_case(b"content-length") {
            length = Some(String::from_utf8_lossy(text[colon + 1..].trim_ascii()).into_owned());
        }
    }
    let Some(text) = length else { return Err(FrameError::Header("none is given".to_owned())) };
    let length: u64 = text.parse().map_err(|_| FrameError::Header(format!("'{}'", clip(&text))))?;
    if length > MAX_BODY_BYTES as u64 {
        return Err(FrameError::TooLong { length, limit: MAX_BODY_BYTES });
    }
    Ok(Some(length as usize))
}

/// The beginning of an untrusted text, for messages.
fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Writes one frame and does not flush.
pub async fn write<W: AsyncWrite + Unpin>(writer: &mut W, body: &[u8]) -> std::io::Result<()> {
    writer.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await?;
    writer.write_all(body).await
}

/// Writes one message and flushes.
pub async fn send<W: AsyncWrite + Unpin>(writer: &mut W, message: &serde_json::Value) -> std::io::Result<()> {
    write(writer, message.to_string().as_bytes()).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Everything that can be read from these bytes.
    fn read_all(bytes: &[u8]) -> Vec<Result<Vec<u8>, String>> {
        run(async {
            let mut reader = bytes;
            let mut out = Vec::new();
            loop {
                match read(&mut reader).await {
                    Ok(None) => return out,
                    Ok(Some(body)) => out.push(Ok(body)),
                    Err(error) => {
                        out.push(Err(error.to_string()));
                        if !error.is_recoverable() {
                            return out;
                        }
                    }
                }
            }
        })
    }

    #[test]
    fn a_bad_header_costs_one_frame() {
        let got =
            read_all(b"Nonsense\r\n\r\nContent-Length: x\r\n\r\ncontent-length:2\r\nOther: 1\r\n\r\n{}");
        assert!(got[0].is_err() && got[1].is_err(), "{got:?}");
        assert_eq!(got[2], Ok(b"{}".to_vec()));
    }

    #[test]
    fn claims_beyond_the_limit_are_refused_at_once() {
        let got = read_all(b"Content-Length: 99999999999\r\n\r\n{}");
        assert_eq!(got.len(), 1);
        assert!(got[0].as_ref().is_err_and(|text| text.contains("99999999999")));
        let endless = vec![b'a'; MAX_HEADER_BYTES * 2];
        assert!(read_all(&endless)[0].is_err());
    }

    #[test]
    fn a_cut_frame_is_an_error_and_the_end_between_frames_is_none() {
        assert!(read_all(b"Content-Length: 10\r\n\r\n{}")[0].is_err());
        assert!(read_all(b"Content-Length: 10\r\n")[0].is_err());
        assert!(read_all(b"").is_empty());
    }

    proptest! {
        #[test]
        fn frames_come_back_as_they_were_written(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..6)) {
            let bytes = run(async {
                let mut bytes = Vec::new();
                for body in &bodies {
                    write(&mut bytes, body).await.unwrap();
                }
                bytes
            });
            let got: Vec<Vec<u8>> = read_all(&bytes).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(got, bodies);
        }

        #[test]
        fn no_bytes_make_the_reader_panic_or_hang(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b':'), Just(b'1')], 0..400)) {
            read_all(&bytes);
            let mut with_header = b"Content-Length: 5\r\n".to_vec();
            with_header.extend(&bytes);
            read_all(&with_header);
        }
    }
}
