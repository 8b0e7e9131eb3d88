//! `azr/dashboard`: where the live page of the runs is. The first request opens it.

use serde::{Deserialize, Serialize};

/// Where the page is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DashboardResult {
    /// An address on loopback, for this user's browser: it carries the token of the page.
    pub url: String,
}
