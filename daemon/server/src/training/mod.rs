//! Self-play on the model that is being served, while it is being served.
//!
//! One run at a time, on a thread of its own with a low priority and a sandbox of its own: what a person waits for never
//! queues behind it. Between its micro-batches the run lets requests go first ([`yielding`]). Its weights are the served
//! ones: an update makes the next version, and requests keep the one they began with. The run's folder is its only
//! state, so a daemon that was killed goes on from the last checkpoint when asked to.

mod events;
mod yielding;

pub use events::{Log, Recorded};
pub use yielding::Yielding;

use crate::actor::{ModelActor, ServedModel};
use crate::host::Supplies;
use crate::protocol::failure::{Failure, FailureKind};
use crate::protocol::status::TrainingStatus;
use crate::protocol::train::{EventKind, StartParams, StartResult, StopResult};
use azr_executor::Sandbox;
use azr_model::EngineConfig;
use azr_selfplay::config::SelfPlayConfig;
use azr_selfplay::observe::Observer;
use azr_selfplay::policy::CandlePolicy;
use azr_selfplay::run::Outcome;
use events::Recorder;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Niceness of the threads that train.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A run that the edge has prepared: configuration and folder are settled, nothing is opened yet.
pub trait Plan: Send + Sync {
    /// The run folder.
    fn folder(&self) -> &Path;
    /// What to do.
    fn config(&self) -> &SelfPlayConfig;
    /// Plays to the end or to `stop`.
    fn run(
        &self,
        policy: &mut Yielding,
        model: &ServedModel,
        sandbox: &Sandbox,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Outcome, String>;
}

/// The run of the daemon, while there is one, and the log of the last.
pub struct Training {
    state: Mutex<Option<Run>>,
    active: watch::Sender<bool>,
}

/// A run, also when it has ended.
#[derive(Clone)]
struct Run {
    id: String,
    steps: u64,
    folder: PathBuf,
    log: Arc<Log>,
    stop: Arc<AtomicBool>,
    /// Set when the thread has ended.
    ended: watch::Receiver<bool>,
}

impl Run {
    fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }
}

impl Default for Training {
    fn default() -> Self {
        Self { state: Mutex::default(), active: watch::Sender::new(false) }
    }
}

fn busy(message: String, hint: &str) -> Failure {
    Failure::new(FailureKind::TrainingBusy, message, hint)
}

impl Training {
    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a run is going on, as it changes.
    pub fn active(&self) -> watch::Receiver<bool> {
        self.active.subscribe()
    }

    /// How the run stands, while there is one.
    pub fn status(&self) -> Option<TrainingStatus> {
        let run = self.lock().clone().filter(|run| !run.has_ended())?;
        let stopping = run.stop.load(Ordering::SeqCst);
        let step = run.log.step();
        let state = if stopping {
            "stopping"
        } else if run.log.is_empty() {
            "starting"
        } else {
            "running"
        };
        Some(TrainingStatus { run_id: run.id, step, steps: run.steps, state: state.to_owned() })
    }

    /// Begins a run. Blocks until the model is loaded.
    pub fn start(
        &self,
        supplies: &Arc<dyn Supplies>,
        actor: &ModelActor,
        params: &StartParams,
        cwd: Option<&str>,
        changed: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<StartResult, Failure> {
        let mut state = self.lock();
        if let Some(run) = state.as_ref().filter(|run| !run.has_ended()) {
            return Err(busy(
                format!("the run {} is going on", run.id),
                "stop it with azr/train/stop, or wait",
            ));
        }
        let plan = supplies.plan_training(params, cwd).map_err(|reason| {
            Failure::new(
                FailureKind::BadProgram,
                format!("the run cannot be prepared: {reason}"),
                "correct the configuration or the folder",
            )
        })?;
        let model = actor.model().map_err(|error| {
            Failure::new(
                FailureKind::ModelNotLoaded,
                error.to_string(),
                "load another model with azr/model/load",
            )
        })?;
        let folder = plan.folder().to_owned();
        let id =
            folder.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
        let (ended_in, ended) = watch::channel(false);
        let run = Run {
            id: id.clone(),
            steps: plan.config().run.steps,
            folder: folder.clone(),
            log: Arc::new(Log::new(id.clone())),
            stop: Arc::new(AtomicBool::new(false)),
            ended,
        };
        let (supplies, actor, own, active) =
            (Arc::clone(supplies), actor.clone(), run.clone(), self.active.clone());
        let work = move || {
            let result = train(plan.as_ref(), supplies.as_ref(), actor, &model, &own, &changed);
            // Whoever hears of the end may start the next run at once.
            active.send_replace(false);
            ended_in.send_replace(true);
            match result {
                Ok((step, metrics)) => own.log.push(EventKind::Done, step, metrics),
                Err(message) => {
                    tracing::error!(run = own.id, message, "a training run ended with an error");
                    own.log.push(EventKind::Error, own.log.step(), json!({ "message": message }));
                }
            }
            changed();
        };
        std::thread::Builder::new()
            .name("train".to_owned())
            .spawn(work)
            .map_err(|error| busy(format!("no thread for the run: {error}"), "try again later"))?;
        self.active.send_replace(true);
        *state = Some(run);
        Ok(StartResult { run_id: id, run_dir: folder.display().to_string() })
    }

    fn named(&self, id: &str) -> Result<Run, Failure> {
        match self.lock().clone() {
            Some(run) if run.id == id => Ok(run),
            Some(run) => {
                Err(busy(format!("there is no run {id}; the last one is {}", run.id), "name that one"))
            }
            None => Err(busy(format!("there is no run {id}"), "start one with azr/train/start")),
        }
    }

    /// Folder of the run that goes on, or of the last one.
    pub fn folder(&self) -> Option<PathBuf> {
        self.lock().as_ref().map(|run| run.folder.clone())
    }

    /// The log of a run.
    pub fn log(&self, id: &str) -> Result<Arc<Log>, Failure> {
        Ok(self.named(id)?.log)
    }

    /// Stops a run after its present step, with a checkpoint, and waits for that.
    pub async fn stop(&self, id: &str) -> Result<StopResult, Failure> {
        let mut run = self.named(id)?;
        run.stop.store(true, Ordering::SeqCst);
        let _ = run.ended.wait_for(|ended| *ended).await;
        let checkpoint = run.log.checkpoint();
        Ok(StopResult { step: run.log.step(), checkpoint })
    }

    /// Stops whatever runs, with a checkpoint: the daemon ends.
    pub async fn stop_all(&self) {
        let id = self.lock().as_ref().filter(|run| !run.has_ended()).map(|run| run.id.clone());
        if let Some(id) = id {
            let _ = self.stop(&id).await;
        }
    }
}

/// The whole run, on its thread. Gives the last step and what the `done` event says.
fn train(
    plan: &dyn Plan,
    supplies: &dyn Supplies,
    actor: ModelActor,
    model: &ServedModel,
    run: &Run,
    changed: &Arc<dyn Fn() + Send + Sync>,
) -> Result<(u64, serde_json::Value), String> {
    lower_priority();
    // Threads made from here on have this thread's priority: the run's own pool, and its sandbox.
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|index| format!("train-{index}"))
        .build()
        .map_err(|error| format!("no threads for the run: {error}"))?;
    let sandbox = supplies.open_sandbox(0)?;
    let config = plan.config();
    let longest = config.rollout.content_max_tokens + config.rollout.max_response_tokens;
    let max_context = longest.min(model.folder.weights.config().max_position_embeddings);
    let engine = EngineConfig { max_context, ..EngineConfig::default() };
    let policy =
        CandlePolicy::new(model.folder.clone(), engine, &config.update).map_err(|error| error.to_string())?;
    let mut policy = Yielding::new(policy, actor, Arc::clone(&run.stop));
    let mut recorder = Recorder::new(Arc::clone(&run.log), plan.folder(), Arc::clone(changed));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.install(|| plan.run(&mut policy, model, &sandbox, &mut recorder, &run.stop))
    }));
    match caught {
        Ok(Ok(Outcome::Finished { steps, chain })) => {
            Ok((steps, json!({ "outcome": "finished", "chain": chain })))
        }
        Ok(Ok(Outcome::Stopped { step })) => Ok((step, json!({ "outcome": "stopped" }))),
        Ok(Err(message)) => Err(message),
        Err(_) => Err("the run panicked; it can be resumed from its last checkpoint".to_owned()),
    }
}

/// Lets everything else on the machine go first.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    // `None` is the calling thread, and on Linux the priority is a thread's own.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!(%error, "the run keeps the normal priority");
    }
}
