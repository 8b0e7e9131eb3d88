//! The one parameter storage: trainer and engine read the same numbers.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use candle_core::{CpuStorage, Device, InplaceOp1, Storage, Tensor, Var};
use sha2::{Digest, Sha256};

use crate::config::ModelConfig;
use crate::error::Result;
use crate::folder::WeightFormat;
use crate::layout::{Layout, ParameterKind};
use crate::packed::PackedWeights;
use crate::random::DrawKey;
use crate::shards::Shards;

/// The parameters of a model. Readers take a [`Snapshot`]; an update writes in place where no snapshot is
/// held, else into a copy, so a reader never sees half an update.
#[derive(Debug)]
pub struct Weights {
    config: ModelConfig,
    layout: Arc<Layout>,
    current: RwLock<Arc<Snapshot>>,
}

/// The parameters as of one version.
#[derive(Debug)]
pub struct Snapshot {
    flat: Var,
    version: u64,
    packed: Option<Arc<PackedWeights>>,
}

impl Weights {
    /// Fresh weights: normal with `initializer_range`, projections into the residual stream scaled down by
    /// `sqrt(2 * layers)`, norms 1, biases 0. Each tensor has its own draws.
    pub fn init(config: ModelConfig, key: &DrawKey) -> Result<Arc<Self>> {
        config.check()?;
        let layout = Layout::new(&config);
        let mut flat = vec![0f32; layout.len];
        let residual = 1.0 / (2.0 * config.num_hidden_layers as f64).sqrt();
        for (index, parameter) in layout.parameters.iter().enumerate() {
            let values = &mut flat[parameter.range.clone()];
            if parameter.kind == ParameterKind::Vector {
                values.fill(if parameter.name.ends_with("bias") { 0.0 } else { 1.0 });
                continue;
            }
            let into_residual =
                parameter.name.ends_with("o_proj.weight") || parameter.name.ends_with("down_proj.weight");
            let deviation = config.initializer_range * if into_residual { residual } else { 1.0 };
            let item = key.item.wrapping_mul(1 << 20).wrapping_add(index as u64);
            let draws = DrawKey { item, ..key.clone() };
            fill_normal(values, deviation, &draws);
        }
        Self::from_flat(config, flat, 0)
    }

    /// Weights from numbers in the order of the layout.
    pub(crate) fn from_flat(config: ModelConfig, flat: Vec<f32>, version: u64) -> Result<Arc<Self>> {
        Self::from_packed(config, flat, version, None)
    }

    /// The same, with a packed form of these numbers.
    pub(crate) fn from_packed(
        config: ModelConfig,
        flat: Vec<f32>,
        version: u64,
        packed: Option<Arc<PackedWeights>>,
    ) -> Result<Arc<Self>> {
        let layout = Arc::new(Layout::new(&config));
        assert_eq!(flat.len(), layout.len, "numbers for another layout");
        let current = RwLock::new(Arc::new(Snapshot { flat: variable(flat)?, version, packed }));
        Ok(Arc::new(Self { config, layout, current }))
    }

    /// Whether the engine reads a packed form.
    pub fn is_packed(&self) -> bool {
        self.snapshot().packed.is_some()
    }

    /// Drops the packed form: trainer and engine must agree to the last bit of a log-probability.
    pub fn forget_packed(&self) -> Result<()> {
        if !self.is_packed() {
            return Ok(());
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(snapshot) = Arc::get_mut(&mut current) {
            snapshot.packed = None;
        } else {
            let flat = current.read(<[f32]>::to_vec);
            *current = Arc::new(Snapshot { flat: variable(flat)?, version: current.version, packed: None });
        }
        Ok(())
    }

    /// What the model is.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Number of updates.
    pub fn version(&self) -> u64 {
        self.snapshot().version
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.layout.len
    }

    /// The parameters as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The parameters by HF name, copied.
    pub fn tensors(&self) -> Result<std::collections::BTreeMap<String, Tensor>> {
        let snapshot = self.snapshot();
        self.layout
            .parameters
            .iter()
            .map(|parameter| {
                let values = snapshot.flat.narrow(0, parameter.range.start, parameter.range.len())?;
                Ok((parameter.name.clone(), values.reshape(parameter.shape.as_slice())?.copy()?.detach()))
            })
            .collect()
    }

    /// SHA-256 over names, shapes and bits of all parameters, in hexadecimal.
    pub fn hash(&self) -> String {
        let snapshot = self.snapshot();
        let mut hash = Sha256::new();
        snapshot.read(|flat| {
            for parameter in &self.layout.parameters {
                hash.update(format!("{} {:?}\n", parameter.name, parameter.shape));
                for value in &flat[parameter.range.clone()] {
                    hash.update(value.to_le_bytes());
                }
            }
        });
        crate::file::hex(&hash.finalize())
    }

    /// The same parameters in a storage of their own, which later updates do not reach.
    pub fn copy(&self) -> Result<Arc<Self>> {
        let snapshot = self.snapshot();
        Self::from_flat(self.config.clone(), snapshot.read(<[f32]>::to_vec), snapshot.version)
    }

    /// Writes the parameters alone, exactly, as one safetensors file.
    pub fn save(&self, path: &Path) -> Result<()> {
        crate::file::write(path, &crate::tensors::to_bytes(path, self, WeightFormat::F32)?)
    }

    /// Reads what [`Weights::save`] wrote, for a model of this configuration.
    pub fn load(path: &Path, config: ModelConfig) -> Result<Arc<Self>> {
        let shards = Shards::of_bytes(path.to_owned(), crate::file::read(path)?.into())?;
        crate::tensors::read(&shards, config)
    }

    /// Puts other numbers in place, as a resume does.
    pub fn restore(&self, other: &Self, version: u64) -> Result<()> {
        // Not the configurations: end-of-text tokens and the like may differ.
        if self.layout != other.layout {
            return Err(crate::ModelError::Config("weights of another shape".to_owned()));
        }
        let flat = other.snapshot().read(<[f32]>::to_vec);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(Snapshot { flat: variable(flat)?, version, packed: None });
        Ok(())
    }

    /// Changes the parameters and counts one update: in place where nobody else holds them.
    pub(crate) fn update(&self, change: impl FnOnce(&mut [f32])) -> Result<()> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let version = current.version + 1;
        if let Some(snapshot) = Arc::get_mut(&mut current) {
            snapshot.flat.inplace_op1(&Change(std::sync::Mutex::new(Some(change))))?;
            snapshot.version = version;
            snapshot.packed = None;
        } else {
            let mut flat = current.read(<[f32]>::to_vec);
            change(&mut flat);
            *current = Arc::new(Snapshot { flat: variable(flat)?, version, packed: None });
        }
        Ok(())
    }
}

impl Snapshot {
    /// Number of updates these parameters have seen.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The packed form.
    pub(crate) fn packed(&self) -> Option<&PackedWeights> {
        self.packed.as_deref()
    }

    /// All parameters as one tape variable.
    pub(crate) fn variable(&self) -> &Var {
        &self.flat
    }

    /// Hands the numbers to `f`.
    pub(crate) fn read<R>(&self, f: impl FnOnce(&[f32]) -> R) -> R {
        let (storage, _) = self.flat.storage_and_layout();
        match &*storage {
            Storage::Cpu(CpuStorage::F32(values)) => f(values),
            _ => unreachable!("parameters are made on the CPU in 32 bits"),
        }
    }
}

fn variable(flat: Vec<f32>) -> Result<Var> {
    let len = flat.len();
    Ok(Var::from_vec(flat, len, &Device::Cpu)?)
}

/// An in-place change as the tensor library wants it.
struct Change<F>(std::sync::Mutex<Option<F>>);

impl<F: FnOnce(&mut [f32])> InplaceOp1 for Change<F> {
    fn name(&self) -> &'static str {
        "change parameters"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &candle_core::Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(values) = storage else { candle_core::bail!("parameters are not f32") };
        if let Some(change) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            change(values);
        }
        Ok(())
    }
}

/// Normal draws by Box and Muller.
fn fill_normal(values: &mut [f32], deviation: f64, key: &DrawKey) {
    use rand_chacha::rand_core::Rng;
    let mut rng = key.rng();
    let mut uniform = || (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
    for pair in values.chunks_mut(2) {
        let radius = (-2.0 * (1.0 - uniform()).ln()).sqrt() * deviation;
        let angle = std::f64::consts::TAU * uniform();
        pair[0] = (radius * angle.cos()) as f32;
        if let Some(second) = pair.get_mut(1) {
            *second = (radius * angle.sin()) as f32;
        }
    }
}
