//! Which tensors weight decay acts on.

use kennel_core::Settings;
use kennel_models::Network;

/// Which tensors weight decay acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WeightDecay {
    /// All that are trained.
    #[default]
    All,
    /// Matrices and kernels: all but biases, tensors of one axis (the scales and shifts of
    /// normalisations) and those of these names (tokens, position embeddings). timm 1.0's
    /// `param_groups_weight_decay` and `no_weight_decay`.
    Filtered(&'static [&'static str]),
}

impl WeightDecay {
    /// Reads `no_norm_decay` of the settings.
    pub fn new(network: &Network, settings: &Settings) -> Self {
        match settings.no_norm_decay {
            true => WeightDecay::Filtered(network.no_weight_decay()),
            false => WeightDecay::All,
        }
    }

    /// Whether it acts on a tensor with this name and number of axes.
    pub fn acts_on(&self, name: &str, axes: usize) -> bool {
        match self {
            WeightDecay::All => true,
            WeightDecay::Filtered(names) => {
                axes > 1 && !name.ends_with(".bias") && !names.contains(&name)
            }
        }
    }
}
