//! Bodies of frames as messages of the protocol: read or refused, and what is read survives being written.
#![no_main]

use azr_daemon_fuzz::protocol::{hello, model, pool, status, stop, train};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn check<T: DeserializeOwned + Serialize>(params: &Value) {
    let Ok(read) = serde_json::from_value::<T>(params.clone()) else { return };
    let written = serde_json::to_value(&read).expect("a message can be written");
    let again: T = serde_json::from_value(written.clone()).expect("what was written can be read");
    assert_eq!(serde_json::to_value(&again).expect("a message can be written"), written);
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(message) = serde_json::from_slice::<Value>(data) else { return };
    for params in [&message, message.get("params").unwrap_or(&Value::Null)] {
        check::<hello::HelloParams>(params);
        check::<hello::HelloResult>(params);
        check::<model::LoadParams>(params);
        check::<pool::PoolEntry>(params);
        check::<pool::RemoveParams>(params);
        check::<status::StatusResult>(params);
        check::<stop::StopParams>(params);
        check::<train::StartParams>(params);
        check::<train::StopParams>(params);
        check::<train::SubscribeParams>(params);
    }
});
