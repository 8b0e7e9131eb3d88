//! The live page: what runs do, from their folders alone.
//!
//! Two routes need no token and tell nothing: the page, and its way to itself from `/`. The data below `/dashboard/api`
//! want the bearer token, which the page takes from the fragment of its address: a fragment is never sent, logged or
//! passed on. Files are only read, and what has been read is kept: of the records, a look reads what was appended since the last one.
//! Texts of a model are cut, sent as JSON, and made into text nodes by the page.

mod evaluations;
mod rollouts;
mod run;
mod tail;

use crate::http::{Bearer, HttpError};
use crate::lifecycle::token::Token;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use run::Watched;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

/// The page: one file, nothing from elsewhere.
const PAGE: &str = include_str!("page.html");
/// Stands in the page where the number goes that lets its own script run, and no other.
const NONCE: &str = "NONCE";
/// Folders of a folder of runs that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// Runs that are listed, the newest first.
const MAX_RUNS: usize = 500;
/// Runs whose records are kept in memory.
const MAX_WATCHED: usize = 16;

/// Names the folder of a run that lies elsewhere, while there is one.
type Extra = Box<dyn Fn() -> Option<PathBuf> + Send + Sync>;

/// What the page shows.
pub struct Dashboard {
    bearer: Bearer,
    folder: PathBuf,
    extra: Extra,
    watched: Mutex<BTreeMap<PathBuf, Arc<Mutex<Watched>>>>,
}

/// A run in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Listed {
    /// Its folder's name; the whole path where the run lies elsewhere.
    id: String,
    /// Seconds since 1970 of the last change.
    changed: f64,
    #[serde(skip)]
    path: PathBuf,
}

impl Dashboard {
    /// Shows the runs below `folder`, or the one run that it is, to whoever knows `token`.
    pub fn new(folder: PathBuf, token: &str) -> Self {
        Self { bearer: Bearer::new(token), folder, extra: Box::new(|| None), watched: Mutex::default() }
    }

    /// Shows the run that `extra` names, too.
    #[must_use]
    pub fn with(mut self, extra: impl Fn() -> Option<PathBuf> + Send + Sync + 'static) -> Self {
        self.extra = Box::new(extra);
        self
    }

    /// All runs, the last changed first.
    fn runs(&self) -> Vec<Listed> {
        let mut runs = Vec::new();
        if let Some(changed) = last_change(&self.folder) {
            runs.push(Listed { id: name_of(&self.folder), changed, path: self.folder.clone() });
        } else if let Ok(entries) = std::fs::read_dir(&self.folder) {
            for entry in entries.take(MAX_ENTRIES).flatten() {
                if let Some(changed) = last_change(&entry.path()) {
                    runs.push(Listed { id: name_of(&entry.path()), changed, path: entry.path() });
                }
            }
        }
        if let Some(path) = (self.extra)()
            && !runs.iter().any(|run| run.path == path)
            && let Some(changed) = last_change(&path)
        {
            runs.push(Listed { id: path.display().to_string(), changed, path });
        }
        runs.sort_by(|one, other| other.changed.total_cmp(&one.changed).then_with(|| one.id.cmp(&other.id)));
        runs.truncate(MAX_RUNS);
        runs
    }

    /// The folder of a run that is in the list: no other path is ever opened.
    fn find(&self, id: &str) -> Result<PathBuf, HttpError> {
        let found = self.runs().into_iter().find(|run| run.id == id).map(|run| run.path);
        found.ok_or_else(|| {
            HttpError::new(StatusCode::NOT_FOUND, "no_such_run", "there is no run of this name")
        })
    }

    /// What is known of the run in `path`; where there are too many, one is forgotten and read again when it is asked for.
    fn watched(&self, path: &Path) -> Arc<Mutex<Watched>> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if !watched.contains_key(path) && watched.len() >= MAX_WATCHED {
            watched.pop_first();
        }
        Arc::clone(watched.entry(path.to_owned()).or_insert_with(|| Arc::new(Mutex::new(Watched::new(path)))))
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Seconds since 1970 at which a run wrote last; `None` where there is no run.
fn last_change(folder: &Path) -> Option<f64> {
    let metadata = ["steps.jsonl", "run.json"].iter().find_map(|name| folder.join(name).metadata().ok())?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    metadata.is_file().then_some(changed.as_secs_f64())
}

/// The routes of the page and its data.
pub fn router(dashboard: Arc<Dashboard>) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/dashboard") }))
        .route("/dashboard", get(page))
        .route("/dashboard/api/runs", get(runs))
        .route("/dashboard/api/run", get(run))
        .route("/dashboard/api/rollouts", get(rollouts))
        .with_state(dashboard)
}

/// The address of the page at a listener, with the token in the part that browsers keep to themselves.
pub fn address(listener: SocketAddr, token: &Token) -> String {
    format!("http://{listener}/dashboard#token={}", token.text())
}

async fn page() -> Result<Response, HttpError> {
    let nonce = Token::random().map_err(|error| HttpError::internal(error.to_string()))?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce.text()
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let body = PAGE.replace(NONCE, nonce.text());
    Ok((headers, [(header::CONTENT_SECURITY_POLICY, policy)], body).into_response())
}

/// Runs work that reads files on a thread that may block.
async fn aside<T: Serialize + Send + 'static>(
    work: impl FnOnce() -> Result<T, HttpError> + Send + 'static,
) -> Result<Response, HttpError> {
    let done = tokio::task::spawn_blocking(work).await;
    let value = done.map_err(|_| HttpError::internal("reading the run failed"))??;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(value)).into_response())
}

async fn runs(State(dashboard): State<Arc<Dashboard>>, headers: HeaderMap) -> Result<Response, HttpError> {
    dashboard.bearer.check(&headers)?;
    aside(move || Ok(dashboard.runs())).await
}

/// Which run, and what of it the page has.
#[derive(Debug, Deserialize)]
struct RunQuery {
    id: String,
    /// The reading that the page's steps are from.
    #[serde(default)]
    reading: u64,
    /// How many steps it has.
    #[serde(default)]
    have: usize,
}

async fn run(
    State(dashboard): State<Arc<Dashboard>>,
    headers: HeaderMap,
    Query(query): Query<RunQuery>,
) -> Result<Response, HttpError> {
    dashboard.bearer.check(&headers)?;
    aside(move || {
        let watched = dashboard.watched(&dashboard.find(&query.id)?);
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(watched.look(query.reading, query.have))
    })
    .await
}

/// Which step of which run.
#[derive(Debug, Deserialize)]
struct RolloutsQuery {
    id: String,
    step: u64,
}

async fn rollouts(
    State(dashboard): State<Arc<Dashboard>>,
    headers: HeaderMap,
    Query(query): Query<RolloutsQuery>,
) -> Result<Response, HttpError> {
    dashboard.bearer.check(&headers)?;
    aside(move || rollouts::of_step(&dashboard.find(&query.id)?, query.step)).await
}

#[cfg(test)]
mod tests;
