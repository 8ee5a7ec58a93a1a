//! Chooses the trainable tensors and the layers that behave as in training.

use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use crate::layers::BatchNorm2d;
use crate::state_dict::NamePath;
use crate::{Network, is_buffer, is_under};

/// Makes exactly the tensors under `prefixes` trainable.
///
/// Puts those tensors on the autodiff tape and takes all others off it, so that the layers below
/// the first trainable one run as plain inference. Normalisation, dropout and stochastic depth
/// under `prefixes` behave as in training, all others as in evaluation: a frozen BatchNorm keeps
/// its statistics.
pub fn with_trainable(network: Network, prefixes: &[String]) -> Network {
    let head_is_trained = prefixes.iter().any(|prefix| is_under(network.head(), prefix));
    network.map(&mut Trainable { path: NamePath::default(), prefixes, head_is_trained })
}

/// Puts every BatchNorm into evaluation mode, trained ones too, as PyTorch's `bn.eval()` and Keras's
/// `training=False`: it normalises with its running statistics, which stay as they are. Its scale
/// and shift are trained as before. Call it after [`with_trainable`].
pub fn with_frozen_norms<M: Module>(module: M) -> M {
    module.map(&mut FrozenNorms { containers: Vec::new() })
}

struct FrozenNorms {
    /// Whether each open module is a BatchNorm.
    containers: Vec<bool>,
}

impl ModuleMapper for FrozenNorms {
    fn enter_module(&mut self, _: &str, container_type: &str) {
        self.containers.push(container_type == BatchNorm2d::CONTAINER);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.containers.pop();
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        match self.containers.last() {
            Some(true) => flag.with_value(false),
            _ => flag,
        }
    }
}

struct Trainable<'a> {
    path: NamePath,
    prefixes: &'a [String],
    head_is_trained: bool,
}

impl Trainable<'_> {
    fn is_trained(&self) -> bool {
        let name = self.path.name();
        // Dropout has no tensors, so no name in timm's state dict. It follows the classifier that
        // it feeds.
        (self.head_is_trained && is_under(&name, "head_drop"))
            || self.prefixes.iter().any(|prefix| is_under(&name, prefix))
    }
}

impl ModuleMapper for Trainable<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let trained = self.is_trained() && !is_buffer(&self.path.name());
        let param = param.map(|tensor| {
            let plain = tensor.without_autodiff();
            if trained { plain.autodiff() } else { plain }
        });
        param.set_require_grad(trained)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        let trained = self.is_trained();
        flag.with_value(trained)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{RegularizationRates, architectures};

    #[test]
    fn dropout_follows_the_classifier_in_every_network() {
        let rates = RegularizationRates { drop: 0.5, ..RegularizationRates::default() };
        for architecture in architectures() {
            let network = Network::new(architecture, 2, rates, &Device::flex());
            assert!(!network.head_drop().is_active(), "{}", architecture.name);
            let head = network.head().to_string();
            let network = with_trainable(network, &[head]);
            assert!(network.head_drop().is_active(), "{}", architecture.name);
        }
    }
}
