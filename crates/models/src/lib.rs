//! The zoo: timm's networks, under timm's names.
//!
//! Every architecture is a tree of Burn modules whose fields have timm's state-dict names. Loading
//! is then nearly the identity, and a tensor's path can be grepped in both projects. Stages are
//! declared beside the layers.

mod layers;
mod regularization;
mod stage;
mod value;

mod architecture;
mod backbone;
mod convnext;
mod efficientnet;
mod regnet;
mod resnet;
mod vit;
mod zoo;

mod erased;
mod network;
mod watched;

mod describe;
mod describer;
mod graph;

mod checkpoint;
mod error;
mod head;
mod loader;
mod locate;
mod state_dict;
mod trainable;
mod trained;

pub use kennel_kernels::{Activation, Padding};

pub use architecture::{Architecture, Constructor, HeadDraw};
pub use backbone::{Backbone, Initial};
pub use checkpoint::{Checkpoint, read_checkpoint, write_checkpoint};
pub use describe::describe;
pub use error::{ModelError, Result};
pub use graph::{GraphNode, GraphValue, NetworkGraph, Operation};
pub use head::{draw_head, draw_network};
pub use layers::{
    Affine, BatchNorm2d, Conv2d, DropPath, Dropout, GlobalResponseNorm, LayerNorm, Linear, Ops,
    Position,
};
pub use loader::{Ledger, LoadOptions, Mismatch, load};
pub use locate::{WeightsSource, cached_weights, check_head, locate_weights};
pub use network::{Network, rows};
pub use regularization::RegularizationRates;
pub use stage::{Stage, is_under};
pub use state_dict::{
    NamePath, StateDict, TensorValue, apply_state_dict, is_buffer, running_statistics, state_dict,
};
pub use trainable::{with_frozen_norms, with_trainable};
pub use trained::load_trained;
pub use value::{FeatureTensor, Value, ValueOf};
pub use watched::Watched;
pub use zoo::{PretrainedTag, architecture, architectures};
