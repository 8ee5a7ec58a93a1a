//! Convolution, normalisation, pooling and activation: the building blocks of all networks.
//!
//! Every architecture calls these functions for the heavy work, so making one of them fast makes
//! every network fast without changing an architecture. Each function first checks the device of
//! its tensors. On Burn's CPU backend, in f32, it takes the fast path (`flex`); on a GPU it is
//! composed of Burn's own operations (`composed`).

mod activation;
mod adam;
mod batches;
mod combine;
mod conv;
mod norm;
mod pool;
mod tokens;
mod work;

#[doc(hidden)]
pub mod composed;
mod flex;

pub use activation::{Activation, activate};
pub use adam::{AdamState, AdamStep, adam_step};
pub use batches::{Batch, in_micro_batches};
pub use combine::{residual_add, scale_channels};
pub use conv::{ConvSpec, conv2d};
pub use flex::FoldCache;
pub use norm::{
    BatchNormConstants, BatchNormOutput, batch_norm_inference, batch_norm_train, conv2d_batch_norm_inference,
};
pub use pool::{avg_pool2d, global_avg_pool, max_pool2d};
pub use tokens::{
    activate_tokens, layer_norm, linear_tokens, mean_token, residual_add_tokens, tokens_of_map,
};
pub use work::{REVISION, instruction_set, multiply_adds, peak_gflop_per_s, threads};

use burn::tensor::Tensor;

/// Fully connected layer: `x @ weight^T + bias`.
///
/// # Shapes
///
/// - `x`: `[batch, features]`
/// - `weight`: `[outputs, features]`, PyTorch's layout
/// - `bias`: `[outputs]`
/// - result: `[batch, outputs]`
///
/// # Panics
///
/// When the shapes disagree.
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let y = x.matmul(weight.transpose());
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}
