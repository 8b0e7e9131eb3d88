//! Work that one comparison may cost. Each rule bounds the size of what it makes; this bounds how often rules are
//! applied, which answers with hundreds of members or terms multiply. Counted, not timed: the same pair ends the same
//! way on every machine.

use std::cell::Cell;

/// Units of a comparison; a unit is about a nanosecond. The recorded pairs stay far below it.
const WORK_BOUND: u64 = 1_000_000_000;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(WORK_BOUND) };
}

/// A new comparison begins on this thread.
pub fn begin() {
    LEFT.set(WORK_BOUND);
}

/// Takes units; `None` where none are left, then and until the next [`begin`].
pub fn spend(units: u64) -> Option<()> {
    let left = LEFT.get().checked_sub(units);
    LEFT.set(left.unwrap_or(0));
    left.map(|_| ())
}

/// Takes what arithmetic with numbers of so many bits costs, their greatest common divisor included.
pub fn spend_bits(bits: u64) -> Option<()> {
    let words = bits / 64 + 1;
    spend(100 + 2 * words * words)
}
