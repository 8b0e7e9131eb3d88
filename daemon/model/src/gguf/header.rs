//! What a GGUF file says of itself: metadata and the places of its tensors.
//!
//! The file may come from anywhere. Every length is checked against the bytes that are left before anything is
//! allocated for it, so that what is read never takes more than a small multiple of the file's size.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use super::blocks::Format;

const MAGIC: &[u8; 4] = b"GGUF";
/// Bytes of a name; the format allows 64 for tensors and 65,535 for keys.
const LONGEST_NAME: u64 = 1 << 16;
/// Dimensions of a tensor, as ggml has it.
const MOST_DIMENSIONS: u32 = 4;
/// Alignment of the tensors where the file gives none.
const ALIGNMENT: u64 = 32;

/// Why a file is refused.
pub(super) type Result<T> = std::result::Result<T, String>;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Real(f64),
    Bool(bool),
    Text(Box<str>),
    Texts(Vec<Box<str>>),
    /// Whole numbers, from arrays of them.
    Numbers(Vec<i32>),
    /// An array of another kind: nothing here needs its content.
    Skipped,
}

/// A tensor of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorPlace {
    /// Outermost dimension first, as everywhere else (the file has it the other way round).
    pub(super) shape: Vec<usize>,
    pub(super) format: Format,
    /// First byte within the file.
    pub(super) start: u64,
    /// Bytes.
    pub(super) len: u64,
}

/// The header.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) tensors: BTreeMap<String, TensorPlace>,
}

/// Reads the header of a file of `size` bytes.
pub(super) fn read(file: &mut (impl Read + Seek), size: u64) -> Result<Header> {
    let mut reader = Reader { file, left: size };
    let magic: [u8; 4] = reader.bytes()?;
    if &magic != MAGIC {
        return Err("not a GGUF file".to_owned());
    }
    let version = reader.u32()?;
    if !(2..=3).contains(&version) {
        return Err(format!("GGUF version {version} is not supported, only 2 and 3 in little-endian order"));
    }
    let (tensors, pairs) = (reader.u64()?, reader.u64()?);
    let mut header = Header::default();
    for _ in 0..pairs {
        let key = reader.text(LONGEST_NAME)?.into_string();
        let kind = reader.u32()?;
        let value = reader.value(kind)?;
        if header.metadata.insert(key.clone(), value).is_some() {
            return Err(format!("the key `{key}` is there twice"));
        }
    }
    let mut places = Vec::new();
    for _ in 0..tensors {
        places.push(reader.tensor()?);
    }
    let alignment = match header.metadata.get("general.alignment") {
        None => ALIGNMENT,
        Some(Value::Unsigned(value)) if value.is_power_of_two() && *value <= 1 << 20 => *value,
        Some(_) => return Err("general.alignment is not a power of two".to_owned()),
    };
    let end = size - reader.left;
    let data = end.checked_next_multiple_of(alignment).unwrap_or(end);
    for (name, mut place) in places {
        let start = data.checked_add(place.start).filter(|start| {
            place.start.is_multiple_of(alignment)
                && start.checked_add(place.len).is_some_and(|end| end <= size)
        });
        place.start = start.ok_or_else(|| {
            format!("tensor `{name}` lies outside the file of {size} bytes: it is cut short or damaged")
        })?;
        if header.tensors.insert(name.clone(), place).is_some() {
            return Err(format!("tensor `{name}` is there twice"));
        }
    }
    Ok(header)
}

/// Reads no more than what is left.
struct Reader<'f, F> {
    file: &'f mut F,
    left: u64,
}

impl<F: Read + Seek> Reader<'_, F> {
    fn claim(&mut self, len: u64) -> Result<()> {
        self.left = self.left.checked_sub(len).ok_or("the file ends within its header")?;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn text(&mut self, longest: u64) -> Result<Box<str>> {
        let len = self.u64()?;
        if len > longest {
            return Err(format!("a text of {len} bytes where at most {longest} are allowed"));
        }
        self.claim(len)?;
        let mut bytes = vec![0; len as usize];
        self.file.read_exact(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
        // Tokens of some published files are no UTF-8; they then stand for nothing that could be typed.
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
        .into())
    }

    fn skip(&mut self, len: u64) -> Result<()> {
        self.claim(len)?;
        let step = i64::try_from(len).map_err(|_| "the file ends within its header")?;
        self.file.seek(SeekFrom::Current(step)).map_err(|error| format!("cannot be read: {error}"))?;
        Ok(())
    }

    fn value(&mut self, kind: u32) -> Result<Value> {
        Ok(match kind {
            0 => Value::Unsigned(u64::from(self.bytes::<1>()?[0])),
            1 => Value::Signed(i64::from(i8::from_le_bytes(self.bytes()?))),
            2 => Value::Unsigned(u64::from(u16::from_le_bytes(self.bytes()?))),
            3 => Value::Signed(i64::from(i16::from_le_bytes(self.bytes()?))),
            4 => Value::Unsigned(u64::from(self.u32()?)),
            5 => Value::Signed(i64::from(i32::from_le_bytes(self.bytes()?))),
            6 => Value::Real(shortest(f32::from_le_bytes(self.bytes()?))),
            7 => Value::Bool(self.bytes::<1>()?[0] != 0),
            8 => Value::Text(self.text(self.left)?),
            9 => self.array()?,
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Real(f64::from_le_bytes(self.bytes()?)),
            other => return Err(format!("a value of unknown type {other}")),
        })
    }

    fn array(&mut self) -> Result<Value> {
        let (kind, count) = (self.u32()?, self.u64()?);
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            other => return Err(format!("an array of type {other}")),
        };
        // Each text has at least its length, so this bounds those too.
        let len = count.checked_mul(width).filter(|len| *len <= self.left);
        let len = len.ok_or_else(|| format!("an array of {count} values in {} bytes", self.left))?;
        match kind {
            8 => (0..count).map(|_| self.text(self.left)).collect::<Result<_>>().map(Value::Texts),
            4 | 5 => (0..count)
                .map(|_| Ok(i32::from_le_bytes(self.bytes()?)))
                .collect::<Result<_>>()
                .map(Value::Numbers),
            _ => self.skip(len).map(|()| Value::Skipped),
        }
    }

    /// A tensor whose `start` still counts from the first one.
    fn tensor(&mut self) -> Result<(String, TensorPlace)> {
        let name = self.text(LONGEST_NAME)?.into_string();
        let dimensions = self.u32()?;
        if dimensions > MOST_DIMENSIONS {
            return Err(format!("tensor `{name}` has {dimensions} dimensions"));
        }
        let mut shape = (0..dimensions)
            .map(|_| usize::try_from(self.u64()?).map_err(|_| format!("tensor `{name}` is too large")))
            .collect::<Result<Vec<_>>>()?;
        shape.reverse();
        let format =
            Format::from_number(self.u32()?).map_err(|reason| format!("tensor `{name}`: {reason}"))?;
        let start = self.u64()?;
        // A row is a whole number of blocks.
        let len = format
            .bytes(shape.last().copied().unwrap_or(1))
            .and_then(|row| shape.iter().rev().skip(1).try_fold(row, |len, &n| len.checked_mul(n as u64)));
        let len =
            len.ok_or_else(|| format!("tensor `{name}` of shape {shape:?} cannot be {}", format.name()))?;
        Ok((name, TensorPlace { shape, format, start, len }))
    }
}

/// The number as it is written, not as 32 bits round it: 1e-5, not 9.999999747378752e-6.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
