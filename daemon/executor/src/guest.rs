//! The embedded guest: CPython with the standard library, compiled to a WebAssembly component, from two start states.
//! `guest/guest.json` records how both were made and what they must hash to.

use crate::{SandboxError, StartState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

/// Both components, one after the other in one LZMA stream.
pub(crate) const ARCHIVE: &[u8] = include_bytes!("../guest/guest.lzma");
/// The recipe and the hashes.
const MANIFEST: &str = include_str!("../guest/guest.json");
/// The files the guest is built from, by name.
pub(crate) const SOURCES: [(&str, &str); 5] = [
    ("analysis.py", include_str!("../guest/analysis.py")),
    ("entropy.c", include_str!("../guest/entropy.c")),
    ("guest.py", include_str!("../guest/guest.py")),
    ("pack.py", include_str!("../guest/pack.py")),
    ("world.wit", include_str!("../guest/world.wit")),
];
/// Memory that unpacking may take, in KiB: the window of `pack.py` and room.
const UNPACK_KIB: u32 = 128 << 10;
/// Larger than a component can be; a damaged record cannot ask for more.
const MAX_BYTES: u64 = 1 << 26;

/// The committed record of the guest: recipe and result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the package that carries CPython, componentize-py.
    pub componentize_py: String,
    /// Seeds of the pinned entropy of the two builds.
    pub entropy: [u64; 2],
    /// SHA-256 of each source file of the guest, by name.
    pub sources: BTreeMap<String, String>,
    /// Sizes of the two components, unpacked.
    pub bytes: [u64; 2],
    /// Their SHA-256.
    pub sha256: [String; 2],
    /// Size of the archive that holds both.
    pub archive_bytes: u64,
}

impl Manifest {
    /// The name of the guest in every result: a hash of both start states.
    pub fn guest_hash(&self) -> String {
        sha256(self.sha256.concat().as_bytes())
    }
}

/// The committed record.
pub fn manifest() -> Result<Manifest, SandboxError> {
    serde_json::from_str(MANIFEST).map_err(|error| SandboxError::Guest(format!("guest.json: {error}")))
}

/// Lower-case hexadecimal SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A guest: the archive of both start states, and its record.
pub(crate) struct Archive {
    /// The record.
    pub(crate) manifest: Manifest,
    bytes: Cow<'static, [u8]>,
}

impl Archive {
    /// The guest inside this program.
    pub(crate) fn embedded() -> Result<Self, SandboxError> {
        Ok(Self { manifest: manifest()?, bytes: Cow::Borrowed(ARCHIVE) })
    }

    /// One that was just built.
    pub(crate) fn new(manifest: Manifest, bytes: Vec<u8>) -> Self {
        Self { manifest, bytes: Cow::Owned(bytes) }
    }

    /// The bytes of a start state's component, checked against the record.
    pub(crate) fn component(&self, start: StartState) -> Result<Vec<u8>, SandboxError> {
        let refused = SandboxError::Guest;
        let mut archive = lzma_rust2::LzmaReader::new_mem_limit(&*self.bytes, UNPACK_KIB, None)
            .map_err(|error| refused(format!("the archive is damaged: {error}")))?;
        for (index, (bytes, hash)) in self.manifest.bytes.iter().zip(&self.manifest.sha256).enumerate() {
            let mut component = Vec::new();
            archive
                .by_ref()
                .take((*bytes).min(MAX_BYTES))
                .read_to_end(&mut component)
                .map_err(|error| refused(format!("the archive is damaged: {error}")))?;
            if index == start as usize {
                let matches = sha256(&component) == *hash;
                return matches
                    .then_some(component)
                    .ok_or_else(|| refused("the archive does not match its recorded hash".into()));
            }
        }
        Err(refused("the record names no such start state".into()))
    }
}

/// The bytes of a start state's component of the embedded guest.
pub(crate) fn component(start: StartState) -> Result<Vec<u8>, SandboxError> {
    Archive::embedded()?.component(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_is_built_from_the_sources_beside_it() {
        let sources: BTreeMap<String, String> =
            SOURCES.iter().map(|(name, text)| ((*name).to_owned(), sha256(text.as_bytes()))).collect();
        assert_eq!(sources, manifest().unwrap().sources, "guest sources changed: run `azr sandbox build`");
    }

    #[test]
    fn the_archive_is_small_enough_to_publish() {
        assert_eq!(ARCHIVE.len() as u64, manifest().unwrap().archive_bytes);
        assert!(ARCHIVE.len() < 8_000_000);
    }

    #[test]
    fn both_start_states_unpack_to_their_recorded_hashes() {
        assert_ne!(component(StartState::First).unwrap(), component(StartState::Second).unwrap());
    }

    /// What a guest can change beside its memory. An instance is put back by its memory alone (`start.rs`), so the rest
    /// must be put back by the guest itself or stay as it was instantiated. A new toolchain that changes this list
    /// is a reason to look again.
    #[test]
    fn nothing_but_memory_and_stack_pointers_changes_after_instantiation() {
        check_changes(StartState::First);
        check_changes(StartState::Second);
    }

    fn check_changes(start: StartState) {
        use wasmparser::{Operator, Parser, Payload, TypeRef};
        let component = component(start).unwrap();
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let (mut module, mut globals) = (0, Vec::new());
        for payload in Parser::new(0).parse_all(&component) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } => {
                    module += 1;
                    globals.clear();
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports().map(Result::unwrap) {
                        if matches!(import.ty, TypeRef::Global(_)) {
                            globals.push(import.name.to_owned());
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader().unwrap() {
                        let change = match operator.unwrap() {
                            Operator::GlobalSet { global_index } => {
                                match globals.get(global_index as usize) {
                                    // An entry of the linker's table of addresses.
                                    Some(name) if name.contains(".so:") => format!("module {module} links"),
                                    Some(name) => format!("module {module} sets {name}"),
                                    None => format!("module {module} sets globals of its own"),
                                }
                            }
                            Operator::TableSet { .. }
                            | Operator::TableGrow { .. }
                            | Operator::TableFill { .. }
                            | Operator::TableCopy { .. }
                            | Operator::TableInit { .. } => format!("module {module} changes a table"),
                            Operator::ElemDrop { .. } | Operator::DataDrop { .. } => {
                                format!("module {module} drops a segment")
                            }
                            _ => continue,
                        };
                        *seen.entry(change).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
        seen.retain(|change, _| !change.ends_with(" sets __stack_pointer"));
        let expected = [
            // The adapter of the older system interface: its own stack pointer, and two pointers to its state that
            // are set once, before the start state was taken.
            ("module 2 sets globals of its own", 23),
            // libpython's addresses of variables of other libraries: constants, set when the instance is made.
            ("module 12 links", 264),
        ];
        assert_eq!(seen, expected.map(|(change, count)| (change.to_owned(), count)).into());
    }
}
