//! Adam, AdamW and SGD as PyTorch 2 defines them, over a network's trainable tensors by name.
//!
//! Burn's own optimisers key their state by identifiers that differ between processes, but a
//! resumed run must continue bit for bit. Here the state is keyed by timm's names and is saved and
//! restored as tensors.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use kennel_core::OptimizerConfig;
use kennel_kernels::{AdamState, AdamStep, adam_step};
use kennel_models::{NamePath, Network, StateDict, TensorValue};

use crate::WeightDecay;

/// Gradients of the trainable tensors, flat, by name.
pub type NamedGradients = BTreeMap<String, Tensor<1>>;

/// An optimiser and its state.
#[derive(Clone, Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    decay: WeightDecay,
    step: u64,
    slots: BTreeMap<String, Slots>,
}

/// The state of one tensor: first and second moment, or the velocity.
// All tensors of a run have the same variant: a box would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
enum Slots {
    Moments { first: Tensor<1>, second: Tensor<1> },
    Velocity(Tensor<1>),
}

/// Takes the gradients of `network`'s trainable tensors out of a backward pass.
pub fn take_gradients(network: &Network, mut gradients: Gradients) -> NamedGradients {
    let mut taken = NamedGradients::new();
    network.visit(&mut Taker {
        path: NamePath::default(),
        gradients: &mut gradients,
        taken: &mut taken,
    });
    taken
}

/// Scales all gradients so that their global norm is at most `max_norm`, as `clip_grad_norm_` does.
/// Returns the norm before scaling.
pub fn clip_gradients(gradients: &mut NamedGradients, max_norm: f64) -> f64 {
    let squares: f64 = gradients
        .values()
        .map(|gradient| f64::from(gradient.clone().square().sum().into_scalar::<f32>()))
        .sum();
    let norm = squares.sqrt();
    let factor = max_norm / (norm + 1e-6);
    if factor < 1.0 {
        for gradient in gradients.values_mut() {
            *gradient = gradient.clone() * factor;
        }
    }
    norm
}

impl Optimizer {
    /// A fresh optimiser, whose weight decay acts on all tensors.
    pub fn new(config: OptimizerConfig) -> Self {
        Self { config, decay: WeightDecay::All, step: 0, slots: BTreeMap::new() }
    }

    /// Lets weight decay act on some tensors only.
    pub fn with_decay_of(self, decay: WeightDecay) -> Self {
        Self { decay, ..self }
    }

    /// Updates every tensor that has a gradient. `learning_rate` maps a tensor's name to its rate.
    pub fn step(
        &mut self,
        network: Network,
        gradients: NamedGradients,
        learning_rate: impl Fn(&str) -> f64,
    ) -> Network {
        self.step += 1;
        network.map(&mut Stepper {
            path: NamePath::default(),
            optimizer: self,
            gradients,
            learning_rate,
        })
    }

    /// Returns the new value of one tensor. All tensors are flat. `decays` says whether weight
    /// decay acts on it.
    fn update(
        &mut self,
        name: &str,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        lr: f64,
        decays: bool,
    ) -> Tensor<1> {
        let of_tensor = |weight_decay: f64| if decays { weight_decay } else { 0.0 };
        match self.config {
            OptimizerConfig::Adam { betas, eps, weight_decay } => self.adam(
                name,
                weight,
                gradient,
                self.adam_numbers(betas, eps, lr, of_tensor(weight_decay), 1.0),
            ),
            OptimizerConfig::AdamW { betas, eps, weight_decay } => {
                let shrink = 1.0 - lr * of_tensor(weight_decay);
                self.adam(name, weight, gradient, self.adam_numbers(betas, eps, lr, 0.0, shrink))
            }
            OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                let gradient = decayed(gradient, &weight, of_tensor(weight_decay));
                if momentum == 0.0 {
                    return weight - gradient * lr;
                }
                // The first velocity is the gradient itself, not (1 - momentum) of it: PyTorch
                // without dampening.
                let velocity = match self.slots.remove(name) {
                    Some(Slots::Velocity(velocity)) => velocity * momentum + gradient.clone(),
                    _ => gradient.clone(),
                };
                self.slots.insert(name.into(), Slots::Velocity(velocity.clone()));
                let direction = if nesterov { gradient + velocity * momentum } else { velocity };
                weight - direction * lr
            }
        }
    }

    fn adam_numbers(
        &self,
        [beta1, beta2]: [f64; 2],
        eps: f64,
        learning_rate: f64,
        l2: f64,
        shrink: f64,
    ) -> AdamStep {
        AdamStep { beta1, beta2, eps, step: self.step, learning_rate, l2, shrink }
    }

    fn adam(
        &mut self,
        name: &str,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        step: AdamStep,
    ) -> Tensor<1> {
        let (first, second) = match self.slots.remove(name) {
            Some(Slots::Moments { first, second }) => (first, second),
            _ => (gradient.zeros_like(), gradient.zeros_like()),
        };
        let AdamState { weight, first, second } =
            adam_step(AdamState { weight, first, second }, gradient, &step);
        self.slots.insert(name.into(), Slots::Moments { first, second });
        weight
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Writes the state that a resumed run needs as tensors called `<prefix><slot>.<name>`.
    pub fn save(&self, prefix: &str, into: &mut StateDict) {
        let mut put = |slot: &str, name: &str, tensor: &Tensor<1>| {
            let data =
                tensor.clone().into_data().try_into_vec::<f32>().expect("optimiser state is f32");
            let value = TensorValue { shape: vec![data.len()], data };
            into.insert(format!("{prefix}{slot}.{name}"), value);
        };
        for (name, slots) in &self.slots {
            match slots {
                Slots::Moments { first, second } => {
                    put("exp_avg", name, first);
                    put("exp_avg_sq", name, second);
                }
                Slots::Velocity(velocity) => put("momentum_buffer", name, velocity),
            }
        }
    }

    /// Restores what [`Optimizer::save`] wrote after `step` steps. Ignores tensors without
    /// `prefix`.
    pub fn restore(
        config: OptimizerConfig,
        step: u64,
        prefix: &str,
        from: &StateDict,
        device: &burn::tensor::Device,
    ) -> Self {
        let tensor = |value: &TensorValue| {
            let data = TensorData::new(value.data.clone(), [value.data.len()]);
            Tensor::<1>::from_data(data, device)
        };
        let mut slots = BTreeMap::new();
        for (key, value) in from {
            let Some(key) = key.strip_prefix(prefix) else { continue };
            if let Some(name) = key.strip_prefix("exp_avg.") {
                if let Some(second) = from.get(&format!("{prefix}exp_avg_sq.{name}")) {
                    let moments = Slots::Moments { first: tensor(value), second: tensor(second) };
                    slots.insert(name.to_string(), moments);
                }
            } else if let Some(name) = key.strip_prefix("momentum_buffer.") {
                slots.insert(name.to_string(), Slots::Velocity(tensor(value)));
            }
        }
        Self { config, decay: WeightDecay::All, step, slots }
    }
}

/// Adds the L2 penalty, as `weight_decay` of PyTorch's Adam and SGD does.
fn decayed(gradient: Tensor<1>, weight: &Tensor<1>, weight_decay: f64) -> Tensor<1> {
    if weight_decay == 0.0 { gradient } else { gradient + weight.clone() * weight_decay }
}

struct Taker<'a> {
    path: NamePath,
    gradients: &'a mut Gradients,
    taken: &'a mut NamedGradients,
}

impl ModuleVisitor for Taker<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        if tensor.is_require_grad()
            && let Some(gradient) = tensor.grad_remove(self.gradients)
        {
            self.taken.insert(self.path.name(), gradient.flatten(0, D - 1));
        }
    }
}

struct Stepper<'a, F> {
    path: NamePath,
    optimizer: &'a mut Optimizer,
    gradients: NamedGradients,
    learning_rate: F,
}

impl<F: Fn(&str) -> f64> ModuleMapper for Stepper<'_, F> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(gradient) = self.gradients.remove(&name) else { return param };
        let lr = (self.learning_rate)(&name);
        let decays = self.optimizer.decay.acts_on(&name, D);
        param.map(|tensor| {
            let dims = tensor.dims();
            let flat = tensor.without_autodiff().flatten::<1>(0, D - 1);
            let moved = self.optimizer.update(&name, flat, gradient, lr, decays);
            moved.reshape(dims).autodiff().require_grad()
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::fixtures::{formula, read_safetensors};

    #[test]
    fn three_steps_of_every_optimiser_are_those_of_pytorch() {
        let expected = read_safetensors("optimizers/expected.safetensors");
        let (betas, eps) = ([0.9, 0.999], 1e-8);
        let cases = [
            ("adam", OptimizerConfig::Adam { betas, eps, weight_decay: 0.0 }),
            ("adam_wd", OptimizerConfig::Adam { betas, eps, weight_decay: 0.01 }),
            ("adamw", OptimizerConfig::AdamW { betas, eps, weight_decay: 0.05 }),
            (
                "sgd_plain",
                OptimizerConfig::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
            ),
            ("sgd", OptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.0 }),
            (
                "sgd_nesterov_wd",
                OptimizerConfig::Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-3 },
            ),
        ];
        let device = Device::flex();
        let flat = |name: &str| {
            Tensor::<1>::from_data(
                TensorData::new(formula::tensor(name, &[7, 5]).data, [35]),
                &device,
            )
        };
        for (case, config) in cases {
            let mut optimizer = Optimizer::new(config.clone());
            let mut weight = flat("w0");
            for step in 1..=3 {
                // Save and restore between the steps: a restored optimiser must continue
                // identically.
                let mut saved = StateDict::new();
                optimizer.save("optimizer.", &mut saved);
                optimizer =
                    Optimizer::restore(config.clone(), step - 1, "optimizer.", &saved, &device);
                optimizer.step = step;
                weight = optimizer.update("w0", weight, flat(&format!("grad.{step}")), 1e-2, true);
                let found = weight.clone().into_data().try_into_vec::<f32>().unwrap();
                let wanted = &expected[&format!("{case}.step{step}")].data;
                for (a, b) in found.iter().zip(wanted) {
                    // Two roundings of a weight of size 1.
                    assert!((a - b).abs() <= 2e-7, "{case}, step {step}: {a} against {b}");
                }
            }
        }
    }

    #[test]
    fn clipping_scales_to_the_global_norm_and_leaves_small_gradients_alone() {
        let device = Device::flex();
        let gradients = || {
            NamedGradients::from([
                ("a".into(), Tensor::<1>::from_floats([3.0, 0.0], &device)),
                ("b".into(), Tensor::<1>::from_floats([4.0], &device)),
            ])
        };
        let mut clipped = gradients();
        assert!((clip_gradients(&mut clipped, 1.0) - 5.0).abs() < 1e-6);
        assert!((clip_gradients(&mut clipped, 10.0) - 1.0).abs() < 1e-5);
        let mut kept = gradients();
        clip_gradients(&mut kept, 10.0);
        assert_eq!(kept["b"].to_data(), gradients()["b"].to_data());
    }
}
