//! Draws random weights: of a new head, or of a whole network.

use kennel_core::HeadInit;
use kennel_core::seed::stream_seed;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::architecture::HeadDraw;
use crate::backbone::Initial;
use crate::state_dict::apply_state_dict;
use crate::{Network, StateDict, TensorValue, is_under, state_dict};

/// Draws the classifier's weight and bias anew.
///
/// [`HeadInit::FanIn`] draws both within `+-1/sqrt(features)`, as PyTorch's `nn.Linear` does.
/// [`HeadInit::Timm`] draws them as the architecture's `timm_head` says.
pub fn draw_head(network: Network, init: HeadInit, seed: u64) -> Network {
    let head = network.head();
    let mut tensors = state_dict(&network);
    tensors.retain(|name, _| is_under(name, head));
    let weight = &tensors[&format!("{head}.weight")];
    let (classes, features) = (weight.shape[0] as f64, weight.shape[1] as f64);
    let draw = match init {
        HeadInit::FanIn => HeadDraw::FanIn,
        HeadInit::Timm => network.architecture().timm_head,
    };
    let (weight_bound, bias_bound) = match draw {
        HeadDraw::FanIn => (1.0 / features.sqrt(), 1.0 / features.sqrt()),
        HeadDraw::FanOut => (1.0 / classes.sqrt(), 0.0),
        HeadDraw::Narrow { deviation } => (deviation * 3.0_f64.sqrt(), 0.0),
    };
    for (name, value) in &mut tensors {
        let bound = if name.ends_with(".weight") { weight_bound } else { bias_bound };
        fill_uniform(value, bound, seed, name);
    }
    apply_state_dict(network, &tensors)
}

/// Draws every weight, for training from scratch: each tensor as its family says, then the head.
pub fn draw_network(network: Network, init: HeadInit, seed: u64) -> Network {
    let mut tensors: StateDict = state_dict(&network);
    for (name, value) in &mut tensors {
        match network.initial(name, &value.shape) {
            Initial::Constant(constant) => value.data.fill(constant),
            Initial::Uniform { bound } => fill_uniform(value, bound, seed, name),
        }
    }
    draw_head(apply_state_dict(network, &tensors), init, seed)
}

/// Fills with uniform draws within `+-bound`, from the tensor's own random stream.
fn fill_uniform(value: &mut TensorValue, bound: f64, seed: u64, name: &str) {
    let mut rng = ChaCha8Rng::from_seed(stream_seed(seed, &format!("init/{name}"), &[]));
    for x in &mut value.data {
        // 24 bits, so that every value is exact in f32 before it is scaled.
        let unit = f64::from(rng.next_u32() >> 8) / f64::from(1 << 24);
        *x = ((2.0 * unit - 1.0) * bound) as f32;
    }
}
