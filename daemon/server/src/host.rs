//! What all sessions share: sandbox, model, training, what is known of calls, and whether the daemon goes on.
//!
//! Sandbox and model are opened in the background, so that a session begins at once; a request that needs one waits
//! for it, and says why where it could not be opened.

use crate::actor::{ActorConfig, CancelFlag, ModelActor, Priority, ServedModel};
use crate::dashboard::{self, Dashboard};
use crate::lanes::Lanes;
use crate::lifecycle::token::Token;
use crate::lsp::facts::Stated;
use crate::lsp::hover::Prediction;
use crate::lsp::transport::{Stop, stopping};
use crate::pool::TaskPool;
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::status::{DaemonStatus, ModelStatus, QueueStatus, SandboxStatus, StatusResult};
use crate::protocol::train::{StartParams, StartResult};
use crate::reason::protocol::{Budget, DeduceQuestion};
use crate::reason::{Caller, Reasoner};
use crate::training::{Plan, Training};
use crate::verdicts::{Runnable, Verdicts};
use azr_executor::Sandbox;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{OnceCell, Semaphore, watch};

/// Predictions of the model that are kept for hovers.
const MAX_PREDICTIONS: usize = 1_024;
/// What a prediction for a hover may cost.
const PREDICTION: Budget = Budget { tokens: Some(256), ms: Some(5_000), samples: Some(4) };
/// Predictions in work at a time.
const PREDICTING: usize = 2;

/// What the edge supplies: this crate reads neither the environment nor configuration files.
pub trait Supplies: Send + Sync + 'static {
    /// Opens the sandbox with so many threads beyond one a core. Called once for requests, and once for every training run.
    fn open_sandbox(&self, more_threads: usize) -> Result<Sandbox, String>;
    /// Folder of the runs that have no folder of their own.
    fn runs(&self) -> PathBuf;
    /// File of the task pool.
    fn pool(&self) -> PathBuf;
    /// Name of the model to begin with.
    fn model(&self) -> String;
    /// Loads a model by name.
    fn load_model(&self, name: &str) -> Result<ServedModel, String>;
    /// Settles configuration and folder of a training run; relative paths are those of `cwd`.
    fn plan_training(&self, params: &StartParams, cwd: Option<&str>) -> Result<Box<dyn Plan>, String>;
}

/// Something opened in the background.
type Opening<T> = watch::Receiver<Option<Result<T, String>>>;

/// The shared part of a daemon.
pub struct Host {
    build_id: String,
    supplies: Arc<dyn Supplies>,
    started: tokio::time::Instant,
    clients: watch::Sender<usize>,
    stop: watch::Sender<Stop>,
    changes: watch::Sender<u64>,
    sandbox: Opening<Sandbox>,
    lanes: OnceLock<Lanes>,
    actor: ModelActor,
    model_name: Mutex<String>,
    verdicts: Arc<Verdicts>,
    predictions: Mutex<BTreeMap<Runnable, Option<Prediction>>>,
    predicting: Arc<Semaphore>,
    training: Training,
    pool: TaskPool,
    http: OnceLock<String>,
    dashboard: OnceCell<String>,
}

/// Counts a session as long as it lives.
#[derive(Debug)]
pub struct Client {
    clients: watch::Sender<usize>,
    changes: watch::Sender<u64>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.clients.send_modify(|clients| *clients -= 1);
        self.changes.send_modify(|changes| *changes += 1);
    }
}

impl Host {
    /// A host that opens what it needs in the background.
    pub fn open(build_id: String, supplies: Arc<dyn Supplies>) -> std::io::Result<Arc<Self>> {
        let name = supplies.model();
        let loader = loader(&supplies, name.clone());
        let host = Arc::new(Self {
            build_id,
            started: tokio::time::Instant::now(),
            clients: watch::Sender::new(0),
            stop: watch::Sender::new(Stop::No),
            changes: watch::Sender::new(0),
            sandbox: open_aside("open-sandbox", &supplies)?,
            lanes: OnceLock::new(),
            actor: ModelActor::start(loader, ActorConfig::default()),
            model_name: Mutex::new(name),
            verdicts: Arc::default(),
            predictions: Mutex::default(),
            predicting: Arc::new(Semaphore::new(PREDICTING)),
            training: Training::default(),
            pool: TaskPool::new(supplies.pool()),
            http: OnceLock::new(),
            dashboard: OnceCell::new(),
            supplies,
        });
        host.actor.warm_up();
        let (weak, mut sandbox) = (Arc::downgrade(&host), host.sandbox.clone());
        tokio::spawn(async move {
            if sandbox.wait_for(Option::is_some).await.is_ok()
                && let Some(host) = weak.upgrade()
            {
                host.change();
            }
        });
        // The status changes when the model is there; the wait ends with the load, either way.
        let weak = Arc::downgrade(&host);
        let actor = host.actor.clone();
        std::thread::Builder::new().name("model-loads".to_owned()).spawn(move || {
            let loaded = actor.model();
            drop(actor);
            if let Err(error) = loaded {
                tracing::warn!(%error, "the model");
            }
            if let Some(host) = weak.upgrade() {
                host.change();
            }
        })?;
        Ok(host)
    }

    /// Build of this program.
    pub fn build_id(&self) -> &str {
        &self.build_id
    }

    /// Counts one more editor session.
    pub fn client(&self) -> Client {
        self.clients.send_modify(|clients| *clients += 1);
        self.change();
        Client { clients: self.clients.clone(), changes: self.changes.clone() }
    }

    /// Number of editor sessions, as it changes.
    pub fn clients(&self) -> watch::Receiver<usize> {
        self.clients.subscribe()
    }

    /// Counts the changes of the status.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn change(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Whether the daemon goes on, as it changes.
    pub fn stop_signal(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }

    /// Ends the daemon; a later call can only make it faster.
    pub fn stop(&self, now: bool) {
        self.stop.send_modify(|stop| {
            *stop = if now || *stop == Stop::Now { Stop::Now } else { Stop::Gently };
        });
    }

    /// The sandbox and its lanes, when it is open.
    pub async fn lanes(&self) -> Result<Lanes, Failure> {
        let sandbox = opened(self.sandbox.clone()).await.map_err(|reason| {
            let hint = "see `azr doctor`, and `azr daemon logs`";
            Failure::new(
                FailureKind::SandboxLimit,
                format!("the sandbox could not be opened: {reason}"),
                hint,
            )
        })?;
        Ok(self.lanes.get_or_init(|| sandbox.into()).clone())
    }

    /// Makes running programs look whether they were cancelled.
    pub fn look_at_cancels(&self) {
        if let Some(lanes) = self.lanes.get() {
            lanes.sandbox().look_at_cancels();
        }
    }

    /// Answers questions, when the sandbox is open; the model joins when it is loaded.
    pub async fn reasoner(&self) -> Result<Reasoner, Failure> {
        Ok(Reasoner::new(self.lanes().await?, Some(self.actor.clone())))
    }

    /// The model.
    pub fn actor(&self) -> &ModelActor {
        &self.actor
    }

    /// What is known of calls.
    pub fn verdicts(&self) -> &Arc<Verdicts> {
        &self.verdicts
    }

    /// The training run.
    pub fn training(&self) -> &Training {
        &self.training
    }

    /// Functions of the user's files that self-play may start from.
    pub fn pool(&self) -> &TaskPool {
        &self.pool
    }

    /// Tells where HTTP is served.
    pub fn set_http(&self, address: String) {
        let _ = self.http.set(address);
    }

    /// The live page over the runs of this daemon, for whoever knows `token`.
    pub fn dashboard(self: &Arc<Self>, token: &str) -> Arc<Dashboard> {
        let weak = Arc::downgrade(self);
        let running = move || weak.upgrade()?.training.folder();
        Arc::new(Dashboard::new(self.supplies.runs(), token).with(running))
    }

    /// Address of the live page, for this user's browser. The first call opens a port of loopback for it, with a token
    /// that opens nothing else.
    pub async fn dashboard_address(self: &Arc<Self>) -> Result<String, Failure> {
        let address = self.dashboard.get_or_try_init(|| async {
            let token = Token::random()?;
            let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
            let address = dashboard::address(listener.local_addr()?, &token);
            let routes = dashboard::router(self.dashboard(token.text()));
            let mut until = self.stop_signal();
            tokio::spawn(async move {
                let until = async move { stopping(&mut until).await };
                if let Err(error) = crate::http::serve(listener, routes, until).await {
                    tracing::error!(%error, "the live page is served no longer");
                }
            });
            Ok::<_, std::io::Error>(address)
        });
        address.await.cloned().map_err(|error| {
            let hint = "`azr dashboard` shows runs without the daemon";
            Failure::new(FailureKind::Refused, format!("the live page cannot be served: {error}"), hint)
        })
    }

    /// Loads another model, or the same one again; gives the version of its weights.
    pub async fn load_model(self: &Arc<Self>, name: Option<String>) -> Result<u64, Failure> {
        if let Some(run) = self.training.status() {
            let text = format!("the run {} trains the model", run.run_id);
            return Err(Failure::new(FailureKind::TrainingBusy, text, "stop it with azr/train/stop first"));
        }
        let name = name.unwrap_or_else(|| self.model_name());
        let (actor, supplies, wanted) = (self.actor.clone(), Arc::clone(&self.supplies), name.clone());
        // Loaded here first: one that cannot be loaded takes the place of none.
        let load = move || {
            let model = supplies.load_model(&wanted)?;
            let replaced = actor.replace(Arc::new(move || Ok(model.clone())));
            replaced.map(|model| model.folder.weights.version()).map_err(|error| error.to_string())
        };
        let failed = |reason: String| {
            Failure::new(
                FailureKind::ModelNotLoaded,
                reason,
                "name azr-tiny, a folder, a GGUF file, a run, or owner/name",
            )
        };
        let version = tokio::task::spawn_blocking(load)
            .await
            .unwrap_or_else(|_| Err("loading the model failed; the log says more".to_owned()))
            .map_err(failed)?;
        *self.model_name.lock().unwrap_or_else(PoisonError::into_inner) = name;
        self.predictions.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.change();
        Ok(version)
    }

    /// Loads a model unless it is the one that is served.
    pub async fn serve_model(self: &Arc<Self>, name: &str) -> Result<(), Failure> {
        if self.model_name() == name && self.actor.status().load_error.is_none() {
            return Ok(());
        }
        self.load_model(Some(name.to_owned())).await.map(drop)
    }

    fn model_name(&self) -> String {
        self.model_name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins self-play on the model. Blocks while the model loads.
    pub fn start_training(
        self: &Arc<Self>,
        params: &StartParams,
        cwd: Option<&str>,
    ) -> Result<StartResult, Failure> {
        if *self.stop.borrow() != Stop::No {
            return Err(Failure::new(FailureKind::Refused, "the daemon is stopping", "start it again first"));
        }
        let weak = Arc::downgrade(self);
        let changed = move || {
            if let Some(host) = weak.upgrade() {
                host.change();
            }
        };
        let result = self.training.start(&self.supplies, &self.actor, params, cwd, Arc::new(changed));
        self.change();
        result
    }

    /// What the model said of a call; an older version's word is given with its version.
    pub fn prediction(&self, stated: &Stated) -> Option<Prediction> {
        let runnable = stated.runnable.as_ref().ok()?;
        self.predictions.lock().unwrap_or_else(PoisonError::into_inner).get(runnable)?.clone()
    }

    /// Asks the model about a call in the background, unless it has been asked.
    pub fn predict_later(self: &Arc<Self>, stated: &Stated) {
        let Ok(runnable) = stated.runnable.clone() else { return };
        let (function, input) = (stated.claim.function.clone(), stated.claim.input.clone());
        {
            let mut predictions = self.predictions.lock().unwrap_or_else(PoisonError::into_inner);
            if predictions.contains_key(&runnable) {
                return;
            }
            if predictions.len() >= MAX_PREDICTIONS {
                predictions.clear();
            }
            predictions.insert(runnable.clone(), None);
        }
        let host = Arc::clone(self);
        tokio::spawn(async move {
            let prediction = host.predict(&runnable, function, input).await;
            let mut predictions = host.predictions.lock().unwrap_or_else(PoisonError::into_inner);
            match prediction {
                Some(prediction) => drop(predictions.insert(runnable, Some(prediction))),
                // The next hover asks again.
                None => drop(predictions.remove(&runnable)),
            }
        });
    }

    async fn predict(&self, runnable: &Runnable, function: String, input: String) -> Option<Prediction> {
        let _turn = self.predicting.acquire().await.ok()?;
        let reasoner = self.reasoner().await.ok()?;
        let question = DeduceQuestion {
            program: runnable.program.to_string(),
            input,
            function: Some(function),
            budget: Some(PREDICTION),
            seed: None,
        };
        let caller = Caller { cancel: CancelFlag::default(), priority: Priority::Background };
        let asked = tokio::task::spawn_blocking(move || reasoner.deduce(&question, &caller, &mut |_| {}));
        let answer = asked.await.ok()?.ok()?;
        let best = answer.candidates.first();
        Some(Prediction {
            verdict: best.map_or(crate::Claim::Unverified, |best| best.verdict),
            value: best.map(|best| best.value.clone()),
            version: answer.model_version,
        })
    }

    /// How everything stands.
    pub fn status(&self) -> StatusResult {
        let actor = self.actor.status();
        StatusResult {
            daemon: DaemonStatus {
                sandbox: match &*self.sandbox.borrow() {
                    None => SandboxStatus::Preparing,
                    Some(Ok(_)) => SandboxStatus::Ready,
                    Some(Err(_)) => SandboxStatus::Failed,
                },
                version: self.build_id.clone(),
                uptime: self.started.elapsed().as_secs_f64(),
                clients: *self.clients.borrow(),
                pid: std::process::id(),
                http: self.http.get().cloned(),
            },
            model: ModelStatus {
                name: actor.name.unwrap_or_else(|| self.model_name()),
                version: actor.version.unwrap_or_default(),
                device: "cpu".to_owned(),
                loaded: actor.version.is_some(),
                error: actor.load_error,
            },
            queue: QueueStatus { interactive: actor.interactive, background: actor.background },
            training: self.training.status(),
        }
    }
}

fn loader(supplies: &Arc<dyn Supplies>, name: String) -> crate::actor::LoadModel {
    let supplies = Arc::clone(supplies);
    Arc::new(move || supplies.load_model(&name))
}

/// Opens the sandbox on a thread of its own.
fn open_aside(name: &str, supplies: &Arc<dyn Supplies>) -> std::io::Result<Opening<Sandbox>> {
    let (sender, receiver) = watch::channel(None);
    let supplies = Arc::clone(supplies);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let result = supplies.open_sandbox(1);
        if let Err(reason) = &result {
            tracing::warn!("{reason}");
        }
        sender.send_replace(Some(result));
    })?;
    Ok(receiver)
}

async fn opened<T: Clone>(mut opening: Opening<T>) -> Result<T, String> {
    match opening.wait_for(Option::is_some).await {
        Ok(result) => result.clone().unwrap_or_else(|| Err("it is not open".to_owned())),
        Err(_) => Err("opening it failed; the log says more".to_owned()),
    }
}
