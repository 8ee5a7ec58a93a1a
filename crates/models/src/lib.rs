//! The zoo: timm's networks, under timm's names.
//!
//! Every architecture is a tree of Burn modules whose fields have timm's state-dict names. Loading
//! is then nearly the identity, and a tensor's path can be grepped in both projects. Stages are
//! declared beside the layers.

mod layers;
mod regularization;

mod efficientnet;
mod resnet;

mod network;
mod stage;
mod zoo;

mod describe;

mod checkpoint;
mod error;
mod head;
mod loader;
mod locate;
mod state_dict;
mod trainable;
mod trained;

pub use kennel_kernels::Activation;

pub use checkpoint::{Checkpoint, read_checkpoint, write_checkpoint};
pub use describe::{GraphNode, GraphValue, NetworkGraph, Operation, describe};
pub use error::{ModelError, Result};
pub use head::{draw_head, draw_network};
pub use layers::{BatchNorm2d, Conv2d, Linear};
pub use loader::{Ledger, LoadOptions, Mismatch, load};
pub use locate::{WeightsSource, cached_weights, locate_weights};
pub use network::{Network, rows};
pub use regularization::RegularizationRates;
pub use stage::{Stage, is_under};
pub use state_dict::{NamePath, StateDict, TensorValue, apply_state_dict, is_buffer, state_dict};
pub use trainable::with_trainable;
pub use trained::load_trained;
pub use zoo::{Architecture, PretrainedTag, architecture, architectures};
