//! Convolution, attention, fully connected layers, normalisation, pooling and activation: the
//! building blocks of all networks.
//!
//! Every architecture calls these functions for the heavy work, so making one of them fast makes
//! every network fast without changing an architecture. Each function first checks the device of
//! its tensors. On Burn's CPU backend, in f32, it takes the fast path (`flex`); on a GPU it is
//! composed of Burn's own operations (`composed`).

mod types;

mod adam;
mod batches;
mod conv;
mod elementwise;
mod lerp;
mod linear;
mod norm;
mod pool;
mod tokens;

#[doc(hidden)]
pub mod composed;
mod flex;

pub use adam::adam_step;
pub use batches::{Batch, in_micro_batches};
pub use conv::conv2d;
pub use elementwise::{activate, residual_add, scale_channels};
pub use flex::{FoldCache, instruction_set, multiply_adds, peak_gflop_per_s, threads};
pub use lerp::lerp;
pub use linear::linear;
pub use norm::{batch_norm_inference, batch_norm_train, conv2d_batch_norm_inference};
pub use pool::{avg_pool2d, global_avg_pool, max_pool2d};
pub use tokens::{
    attention, global_response_norm, layer_norm, linear_residual_tokens, linear_tokens,
    map_of_tokens, mean_token, residual_add_tokens, tokens_of_map,
};
pub use types::{
    Activation, AdamState, AdamStep, BatchNormConstants, BatchNormOutput, ConvSpec, Padding,
};

/// Increases with every change of the kernels that alters any bit of a result. Results stored under
/// another revision are not used.
pub const REVISION: u32 = 2;
