//! `/metrics` in the text format of Prometheus.

use crate::actor::ActorStatus;

pub(super) fn page(status: &ActorStatus) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (labels, value) in values {
            text.push_str(&format!("{name}{labels} {value}\n"));
        }
    };
    let open = [
        ("{priority=\"interactive\"}", status.interactive as u64),
        ("{priority=\"background\"}", status.background as u64),
    ];
    metric("azr_requests_open", "gauge", "Requests of the model that wait or are in work.", &open);
    let mut count = |name: &str, help: &str, value: u64| metric(name, "counter", help, &[("", value)]);
    count("azr_requests_answered_total", "Requests of the model answered.", status.answered);
    count("azr_requests_ended_early_total", "Requests cancelled or past their deadline.", status.ended_early);
    count("azr_tokens_generated_total", "Tokens generated.", status.tokens);
    count("azr_model_restarts_total", "Failures of the model that it was restarted after.", status.restarts);
    let loaded = u64::from(status.version.is_some());
    metric("azr_model_loaded", "gauge", "1 while a model is loaded.", &[("", loaded)]);
    let version = status.version.unwrap_or(0);
    metric("azr_model_version", "gauge", "Updates that the weights have seen.", &[("", version)]);
    text
}
