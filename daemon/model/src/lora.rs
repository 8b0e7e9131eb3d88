//! `LoRA`: training a small addition `s B A` to chosen matrices, after Hu et al. (arXiv 2106.09685).
//!
//! The weights in use always hold `W + s B A`, so that the engine and the network know nothing of adapters. A step
//! takes the full gradient `G` of such a matrix and turns it into those of its factors, `s G Aᵀ` and `s Bᵀ G`: exactly
//! what a network with the factors in it would give. That saves the optimizer's moments, not the gradient. Files
//! are those of PEFT.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::error::{ModelError, Result, TensorProblem};
use crate::file;
use crate::kernels::Threads;
use crate::kernels::gemm::{Into, Matrix, matmul};
use crate::layout::{Layout, Parameter, ParameterKind};
use crate::random::DrawKey;
use crate::weights::Weights;

const WEIGHTS_FILE: &str = "adapter_model.safetensors";
const CONFIG_FILE: &str = "adapter_config.json";
/// Before the HF name, in the files of PEFT.
const PREFIX: &str = "base_model.model.";
/// Matrices of a block that may be adapted.
const TARGETS: &[&str] = &["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// Settings of an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    /// Width of the factors.
    pub rank: usize,
    /// The addition is scaled by `alpha / rank`.
    pub alpha: f32,
    /// Names of the adapted matrices, e.g. `q_proj`.
    pub targets: Vec<String>,
}

impl Default for LoraConfig {
    /// Rank 16, scale 2, all matrices of the blocks.
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, targets: TARGETS.iter().map(|&name| name.to_owned()).collect() }
    }
}

/// `adapter_config.json`, as far as it is used here, and what PEFT needs to load it.
#[derive(Serialize, Deserialize)]
struct ConfigFile {
    peft_type: String,
    #[serde(default)]
    task_type: Option<String>,
    r: usize,
    lora_alpha: f32,
    target_modules: BTreeSet<String>,
    #[serde(default)]
    lora_dropout: f32,
    #[serde(default)]
    bias: Option<String>,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    rank_pattern: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    alpha_pattern: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    modules_to_save: Option<Vec<String>>,
}

/// One adapted matrix: its place among the weights, and those of its factors in the adapter.
#[derive(Clone, Debug)]
struct Pair {
    weight: Parameter,
    a: Parameter,
    b: Parameter,
}

/// An adapter over the weights that were there when it was made.
#[derive(Debug)]
pub struct Lora {
    config: LoraConfig,
    pairs: Vec<Pair>,
    layout: Layout,
    /// The factors, in the order of the layout.
    values: Vec<f32>,
    /// The adapted matrices without the addition, one after the other.
    base: Vec<f32>,
}

impl Lora {
    /// A fresh adapter: `A` uniform as in PEFT, `B` zero, so that nothing changes yet.
    pub fn new(weights: &Weights, config: LoraConfig, key: &DrawKey) -> Result<Self> {
        let mut lora = Self::empty(weights, config)?;
        for (index, pair) in lora.pairs.iter().enumerate() {
            use rand_chacha::rand_core::Rng;
            let item = key.item.wrapping_mul(1 << 20).wrapping_add(index as u64);
            let mut rng = DrawKey { item, ..key.clone() }.rng();
            let bound = 1.0 / (pair.weight.shape[1] as f64).sqrt();
            for value in &mut lora.values[pair.a.range.clone()] {
                let uniform = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
                *value = ((2.0 * uniform - 1.0) * bound) as f32;
            }
        }
        Ok(lora)
    }

    fn empty(weights: &Weights, config: LoraConfig) -> Result<Self> {
        let refuse = |reason: String| Err(ModelError::Config(format!("LoRA: {reason}")));
        if config.rank == 0 || config.rank > 1 << 12 || !config.alpha.is_finite() || config.alpha <= 0.0 {
            return refuse("the rank must lie between 1 and 4096 and alpha must be positive".to_owned());
        }
        if let Some(other) = config.targets.iter().find(|name| !TARGETS.contains(&name.as_str())) {
            return refuse(format!("`{other}` cannot be adapted, only {}", TARGETS.join(", ")));
        }
        let (mut pairs, mut parameters, mut len) = (Vec::new(), Vec::new(), 0);
        for weight in &weights.layout().parameters {
            let module = weight.name.rsplit('.').nth(1).unwrap_or_default();
            let &[outputs, inputs] = weight.shape.as_slice() else { continue };
            if weight.kind != ParameterKind::Matrix || !config.targets.iter().any(|target| target == module) {
                continue;
            }
            let stem = weight.name.strip_suffix(".weight").unwrap_or(&weight.name);
            let mut push = |part: &str, shape: [usize; 2]| {
                let range = len..len + shape[0] * shape[1];
                len = range.end;
                let name = format!("{PREFIX}{stem}.{part}.weight");
                let parameter = Parameter { name, shape: shape.to_vec(), range, kind: ParameterKind::Matrix };
                parameters.push(parameter.clone());
                parameter
            };
            let (a, b) = (push("lora_A", [config.rank, inputs]), push("lora_B", [outputs, config.rank]));
            pairs.push(Pair { weight: weight.clone(), a, b });
        }
        if pairs.is_empty() {
            return refuse("no matrix is named".to_owned());
        }
        let base = weights.snapshot().read(|flat| {
            pairs.iter().flat_map(|pair| flat[pair.weight.range.clone()].iter().copied()).collect()
        });
        let layout =
            Layout { parameters, embedding: 0..0, layers: Vec::new(), final_norm: 0..0, head: 0..0, len };
        Ok(Self { config, pairs, layout, values: vec![0.0; len], base })
    }

    /// Reads an adapter in PEFT's layout and adds it to `weights`, which must be those it was trained on.
    pub fn load(weights: &Arc<Weights>, folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG_FILE);
        let bad = |reason: String| ModelError::Format { path: path.clone(), reason };
        let file: ConfigFile =
            serde_json::from_slice(&file::read(&path)?).map_err(|error| bad(error.to_string()))?;
        let plain = file.peft_type == "LORA"
            && file.bias.as_deref().is_none_or(|bias| bias == "none")
            && !(file.fan_in_fan_out || file.use_rslora || file.use_dora)
            && file.rank_pattern.is_empty()
            && file.alpha_pattern.is_empty()
            && file.modules_to_save.as_ref().is_none_or(Vec::is_empty);
        if !plain {
            return Err(bad("only plain LoRA is supported: no biases, patterns, DoRA or rsLoRA".to_owned()));
        }
        let targets = file.target_modules.into_iter().collect();
        let config = LoraConfig { rank: file.r, alpha: file.lora_alpha, targets };
        let mut lora = Self::empty(weights, config)?;
        lora.read_factors(&folder.join(WEIGHTS_FILE))?;
        weights.update(|flat| lora.merge_into(flat))?;
        Ok(lora)
    }

    fn read_factors(&mut self, path: &Path) -> Result<()> {
        let bytes = file::read(path)?;
        let bad = |reason: String| ModelError::Format { path: path.to_owned(), reason };
        let file = SafeTensors::deserialize(&bytes).map_err(|error| bad(error.to_string()))?;
        let known: BTreeSet<&str> =
            self.layout.parameters.iter().map(|factor| factor.name.as_str()).collect();
        let surplus = file.names().into_iter().filter(|name| !known.contains(name));
        let mut problems: Vec<TensorProblem> =
            surplus.map(|name| TensorProblem::Surplus { tensor: name.to_owned() }).collect();
        problems.sort_by_key(ToString::to_string);
        for factor in &self.layout.parameters {
            let Ok(view) = file.tensor(&factor.name) else {
                let (tensor, expected) = (factor.name.clone(), factor.shape.clone());
                problems.push(TensorProblem::Missing { tensor, expected });
                continue;
            };
            if view.shape() != factor.shape {
                return Err(ModelError::TensorShape {
                    path: path.to_owned(),
                    tensor: factor.name.clone(),
                    expected: factor.shape.clone(),
                    found: view.shape().to_vec(),
                });
            }
            let numbers = crate::tensors::decode(&view)
                .filter(|numbers| numbers.iter().all(|number| number.is_finite()))
                .ok_or_else(|| bad(format!("tensor `{}` has numbers that cannot be used", factor.name)))?;
            self.values[factor.range.clone()].copy_from_slice(&numbers);
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(ModelError::Tensors { path: path.to_owned(), problems })
    }

    /// Writes the adapter in PEFT's layout.
    pub fn save(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(file::failure(folder, "making the folder"))?;
        let path = folder.join(WEIGHTS_FILE);
        let bad = |error: safetensors::SafeTensorError| ModelError::Format {
            path: path.clone(),
            reason: error.to_string(),
        };
        let bytes: Vec<Vec<u8>> = self
            .layout
            .parameters
            .iter()
            .map(|factor| file::to_bytes(&self.values[factor.range.clone()]))
            .collect();
        let views = self
            .layout
            .parameters
            .iter()
            .zip(&bytes)
            .map(|(factor, bytes)| {
                let view = TensorView::new(Dtype::F32, factor.shape.clone(), bytes).map_err(bad)?;
                Ok((factor.name.as_str(), view))
            })
            .collect::<Result<Vec<_>>>()?;
        let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
        file::write(&path, &safetensors::serialize(views, Some(metadata)).map_err(bad)?)?;
        let config = ConfigFile {
            peft_type: "LORA".to_owned(),
            task_type: Some("CAUSAL_LM".to_owned()),
            r: self.config.rank,
            lora_alpha: self.config.alpha,
            target_modules: self.config.targets.iter().cloned().collect(),
            lora_dropout: 0.0,
            bias: Some("none".to_owned()),
            fan_in_fan_out: false,
            use_rslora: false,
            use_dora: false,
            rank_pattern: serde_json::Map::new(),
            alpha_pattern: serde_json::Map::new(),
            modules_to_save: None,
        };
        let mut text = serde_json::to_string_pretty(&config).expect("numbers and names serialise");
        text.push('\n');
        file::write(&folder.join(CONFIG_FILE), text.as_bytes())
    }

    /// Settings.
    pub fn config(&self) -> &LoraConfig {
        &self.config
    }

    /// Numbers that are trained.
    pub fn parameter_count(&self) -> usize {
        self.layout.len
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    fn scale(&self) -> f32 {
        self.config.alpha / self.config.rank as f32
    }

    /// The gradient of the factors from that of all weights.
    pub(crate) fn gradient(&self, full: &[f32]) -> Vec<f32> {
        let (rank, scale) = (self.config.rank, self.scale());
        let mut gradient = vec![0f32; self.layout.len];
        for Pair { weight, a, b } in &self.pairs {
            let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
            let g = Matrix::rows(&full[weight.range.clone()], inputs);
            let a_matrix = Matrix::rows(&self.values[a.range.clone()], inputs);
            let b_matrix = Matrix::rows(&self.values[b.range.clone()], rank);
            let d_b = &mut gradient[b.range.clone()];
            matmul(outputs, rank, inputs, d_b, rank, Into::Set, g, a_matrix.transposed(), Threads::One);
            let d_a = &mut gradient[a.range.clone()];
            matmul(rank, inputs, outputs, d_a, inputs, Into::Set, b_matrix.transposed(), g, Threads::One);
        }
        for value in &mut gradient {
            *value *= scale;
        }
        gradient
    }

    /// Puts `W + s B A` to the places of the adapted matrices.
    pub(crate) fn merge_into(&self, flat: &mut [f32]) {
        let (rank, scale) = (self.config.rank, self.scale());
        let mut start = 0;
        for Pair { weight, a, b } in &self.pairs {
            let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
            let target = &mut flat[weight.range.clone()];
            target.copy_from_slice(&self.base[start..start + target.len()]);
            start += target.len();
            let scaled: Vec<f32> = self.values[b.range.clone()].iter().map(|value| scale * value).collect();
            let a = Matrix::rows(&self.values[a.range.clone()], inputs);
            let b = Matrix::rows(&scaled, rank);
            matmul(outputs, inputs, rank, target, inputs, Into::Add, b, a, Threads::One);
        }
    }
}
