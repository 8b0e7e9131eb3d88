//! How answers are judged, one file a family of suites.

pub mod code;
pub mod crux;
pub mod livecode;
pub mod math;
pub mod solver;
