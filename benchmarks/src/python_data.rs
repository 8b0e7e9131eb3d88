//! Python's plain data as Rust values: read from JSON as Python writes it, written as Python literals.
