//! Bytes of a connection, in pieces of any length: frames come in step, bounded, and the same however the bytes arrive.
#![no_main]

use azr_daemon_fuzz::protocol::frame::{self, FrameError, MAX_BODY_BYTES};
use tokio::io::BufReader;

/// What a reader whose buffer holds `capacity` bytes makes of the bytes.
fn read_all(bytes: &[u8], capacity: usize) -> Vec<Result<Vec<u8>, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut reader = BufReader::with_capacity(capacity, bytes);
        let mut frames = Vec::new();
        loop {
            match frame::read(&mut reader).await {
                Ok(None) => return frames,
                Ok(Some(body)) => {
                    assert!(body.len() <= MAX_BODY_BYTES && body.len() <= bytes.len());
                    frames.push(Ok(body));
                }
                Err(error) => {
                    let on = error.is_recoverable();
                    assert_eq!(on, matches!(error, FrameError::Header(_)));
                    frames.push(Err(error.to_string()));
                    if !on {
                        return frames;
                    }
                }
            }
        }
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let frames = read_all(bytes, 1 << 16);
    assert_eq!(frames, read_all(bytes, usize::from(*first) + 1), "the same in small pieces");
    // What was read can be written and read again.
    let bodies: Vec<&Vec<u8>> = frames.iter().flatten().collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut written = Vec::new();
    for body in &bodies {
        runtime.block_on(frame::write(&mut written, body)).expect("a list can be written to");
    }
    let again: Vec<Vec<u8>> = read_all(&written, 1 << 16).into_iter().map(|frame| frame.expect("a frame")).collect();
    assert_eq!(again.iter().collect::<Vec<_>>(), bodies);
});
