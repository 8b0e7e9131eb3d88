//! The daemon's readers of what strangers write, from its own files, without the rest of it.

#[path = "../../src/protocol/mod.rs"]
pub mod protocol;
#[path = "../../src/slice/mod.rs"]
pub mod slice;

// The paths of a module inside a module begin in a folder of its name, which there is none of here.
#[path = "."]
pub mod reason {
    #[path = "../../src/reason/literal.rs"]
    pub mod literal;
}
