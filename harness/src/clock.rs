//! Time for people: rates, times left, `timings.jsonl`, the date in a chat. No result of a run depends on it.

use azr_model::Strftime;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A stopwatch that runs.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    /// Starts one.
    #[expect(clippy::disallowed_methods, reason = "times are shown and recorded apart from results")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

/// Processor time of this process so far, in seconds.
pub fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The day and time (UTC) for chat templates that ask for it.
pub fn strftime() -> Strftime {
    #[expect(clippy::disallowed_methods, reason = "some models are told the date; no training prompt has it")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now =
        chrono::DateTime::from_timestamp(i64::try_from(now.as_secs()).unwrap_or(0), 0).unwrap_or_default();
    Arc::new(move |format| {
        use std::fmt::Write;
        let mut text = String::new();
        // A pattern that means nothing gives what could be written of it.
        let _ = write!(text, "{}", now.format(format));
        text
    })
}

/// A duration as people read it: `45 s`, `12 min`, `3 h 20 min`.
pub fn readable(seconds: f64) -> String {
    let total = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX).as_secs();
    match total {
        0..=99 => format!("{total} s"),
        100..=7_199 => format!("{} min", (total + 30) / 60),
        _ => format!("{} h {} min", total / 3_600, total % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn durations_read_well() {
        assert_eq!(readable(12.4), "12 s");
        assert_eq!(readable(150.0), "3 min");
        assert_eq!(readable(7_260.0), "2 h 1 min");
        assert_eq!(readable(f64::NAN), "0 s");
    }
}
