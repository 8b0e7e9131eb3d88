//! Event files of TensorBoard: scalars only.
//!
//! The format is a sequence of records (length, its masked CRC-32C, data, its masked CRC-32C), each record one protobuf
//! message `Event { wall_time = 1, step = 2, file_version = 3, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }`. The
//! crates that write it have not been kept up for years; these are its hundred lines. The wall time is the step, so that
//! the same run gives the same file.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// An event file being written.
pub struct EventFile {
    file: BufWriter<File>,
}

impl EventFile {
    /// Creates the file, with the record that says what it is.
    pub fn create(path: &Path) -> Result<Self> {
        let mut events = Self { file: BufWriter::new(File::create(path)?) };
        let mut event = Vec::new();
        double(&mut event, 1, 0.0);
        bytes(&mut event, 3, b"brain.Event:2");
        events.record(&event)?;
        Ok(events)
    }

    /// Adds figures of a step by name.
    pub fn scalars(&mut self, step: u64, scalars: &[(String, f64)]) -> Result<()> {
        let mut summary = Vec::new();
        for (tag, number) in scalars {
            let mut value = Vec::new();
            bytes(&mut value, 1, tag.as_bytes());
            float(&mut value, 2, *number as f32);
            bytes(&mut summary, 1, &value);
        }
        let mut event = Vec::new();
        double(&mut event, 1, step as f64);
        key(&mut event, 2, 0);
        varint(&mut event, step);
        bytes(&mut event, 5, &summary);
        self.record(&event)
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }

    fn record(&mut self, data: &[u8]) -> Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        self.file.write_all(&length)?;
        self.file.write_all(&masked_crc(&length).to_le_bytes())?;
        self.file.write_all(data)?;
        self.file.write_all(&masked_crc(data).to_le_bytes())
    }
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn key(out: &mut Vec<u8>, field: u64, wire_type: u64) {
    varint(out, (field << 3) | wire_type);
}

fn double(out: &mut Vec<u8>, field: u64, number: f64) {
    key(out, field, 1);
    out.extend(number.to_le_bytes());
}

fn float(out: &mut Vec<u8>, field: u64, number: f32) {
    key(out, field, 5);
    out.extend(number.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, data: &[u8]) {
    key(out, field, 2);
    varint(out, data.len() as u64);
    out.extend(data);
}

/// CRC-32C (Castagnoli), rotated and shifted as the format wants it.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_its_published_value() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn numbers_are_packed_in_sevens() {
        let mut out = Vec::new();
        varint(&mut out, 300);
        assert_eq!(out, [0xac, 0x02]);
    }

    #[test]
    fn records_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut events = EventFile::create(&path).unwrap();
        events.scalars(3, &[("a/b".into(), 0.5)]).unwrap();
        events.finish().unwrap();
        let data = std::fs::read(&path).unwrap();
        let (mut at, mut records) = (0, Vec::new());
        while at < data.len() {
            let length = u64::from_le_bytes(data[at..at + 8].try_into().unwrap()) as usize;
            let crc = |from: usize, to: usize| masked_crc(&data[from..to]).to_le_bytes();
            assert_eq!(data[at + 8..at + 12], crc(at, at + 8));
            let (start, end) = (at + 12, at + 12 + length);
            assert_eq!(data[end..end + 4], crc(start, end));
            records.push(data[start..end].to_vec());
            at = end + 4;
        }
        assert_eq!(records.len(), 2);
        let mut expected = vec![0x09];
        expected.extend(3.0_f64.to_le_bytes());
        expected.extend([0x10, 3, 0x2a, 12, 0x0a, 10, 0x0a, 3, b'a', b'/', b'b', 0x15]);
        expected.extend(0.5_f32.to_le_bytes());
        assert_eq!(records[1], expected);
    }
}
