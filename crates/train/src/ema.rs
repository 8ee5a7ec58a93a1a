//! The moving average of the trained tensors. Averaged weights often generalise better than those
//! of any one step (Polyak and Juditsky 1992).

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use kennel_kernels::lerp;
use kennel_models::{NamePath, Network, StateDict, TensorValue, is_under};

/// An exponential moving average of the trained tensors and of their running statistics, as timm's
/// `ModelEmaV3` with `use_warmup` (timm 1.0).
///
/// Step `t` keeps the share `min(decay, 1 - t^(-2/3))` of the average, so the average covers about
/// the last `t^(2/3)` steps until it covers `1 / (1 - decay)`: 22 of 100 steps, 100 of 1000. A fixed
/// decay of 0.9998 would still hold 90 % of the first weights after 500 steps.
///
/// Differs: frozen tensors are not averaged; `min_decay` and `update_after_step` of timm stay at 0,
/// their defaults. As in timm, running statistics are averaged too, and the average begins as the
/// weights after the first step.
#[derive(Clone, Debug)]
pub struct WeightAverage {
    decay: f64,
    /// Flat tensors by name. Empty before the first step.
    tensors: BTreeMap<String, Tensor<1>>,
}

impl WeightAverage {
    /// Makes an average of nothing yet. `decay` is the largest share that a step keeps, in [0, 1).
    pub fn new(decay: f64) -> Self {
        Self { decay, tensors: BTreeMap::new() }
    }

    /// Adds the weights after step `step`, counted from 1, in place. `trained` are the name
    /// prefixes of the tensors to average.
    pub fn update(&mut self, network: &Network, trained: &[String], step: u64) {
        let path = NamePath::default();
        // `valid` applies pending updates of running statistics. It copies no tensor.
        network.valid().visit(&mut Updater { path, average: self, trained, step });
    }

    /// Moves the average of one tensor, which is flat, towards its value after step `step`.
    fn add(&mut self, name: String, now: Tensor<1>, step: u64) {
        // Removed and put back, so that nothing else shares its memory.
        let average = match self.tensors.remove(&name) {
            Some(average) => lerp(average, now, 1.0 - decay_at(self.decay, step)),
            None => now,
        };
        self.tensors.insert(name, average);
    }

    /// Returns `network` in evaluation mode, with the averages in place of its own tensors.
    pub fn averaged(&self, network: &Network) -> Network {
        network.valid().map(&mut Applier { path: NamePath::default(), average: self })
    }

    /// Writes the state that a resumed run needs as tensors called `<prefix><name>`.
    pub fn save(&self, prefix: &str, into: &mut StateDict) {
        for (name, tensor) in &self.tensors {
            let data = tensor.clone().into_data().try_into_vec::<f32>().expect("averages are f32");
            into.insert(format!("{prefix}{name}"), TensorValue { shape: vec![data.len()], data });
        }
    }

    /// Restores what [`WeightAverage::save`] wrote. Ignores tensors without `prefix`.
    pub fn restore(decay: f64, prefix: &str, from: &StateDict, device: &Device) -> Self {
        let tensors = from.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix(prefix)?;
            let data = TensorData::new(value.data.clone(), [value.data.len()]);
            Some((name.to_string(), Tensor::from_data(data, device)))
        });
        Self { decay, tensors: tensors.collect() }
    }
}

/// The share of the average that step `step`, counted from 1, keeps: `ModelEmaV3.get_decay` with
/// `warmup_gamma` 1 and `warmup_power` 2/3.
fn decay_at(decay: f64, step: u64) -> f64 {
    (1.0 - (step as f64).powf(-2.0 / 3.0)).min(decay)
}

struct Updater<'a> {
    path: NamePath,
    average: &'a mut WeightAverage,
    trained: &'a [String],
    step: u64,
}

impl ModuleVisitor for Updater<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.name();
        if self.trained.iter().any(|prefix| is_under(&name, prefix)) {
            self.average.add(name, param.val().flatten(0, D - 1), self.step);
        }
    }
}

struct Applier<'a> {
    path: NamePath,
    average: &'a WeightAverage,
}

impl ModuleMapper for Applier<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.average.tensors.get(&self.path.name()) {
            Some(average) => param.map(|old| average.clone().reshape(old.dims())),
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{formula, read_safetensors};

    #[test]
    fn averages_are_those_of_timm_also_when_restored_between_steps() {
        let expected = read_safetensors("ema/expected.safetensors");
        let device = Device::flex();
        for decay in [0.9998, 0.5] {
            let mut average = WeightAverage::new(decay);
            for step in 1..=20 {
                let mut saved = StateDict::new();
                average.save("average.", &mut saved);
                average = WeightAverage::restore(decay, "average.", &saved, &device);
                for (name, drawn) in [
                    ("weight", formula::tensor(&format!("weight.{step}"), &[7, 5])),
                    ("norm.running_var", formula::tensor(&format!("variance.{step}.weight"), &[7])),
                ] {
                    let now = drawn.data;
                    let data = TensorData::new(now.clone(), [now.len()]);
                    average.add(name.into(), Tensor::from_data(data, &device), step);
                    let found = average.tensors[name].clone().into_data();
                    let found = found.try_into_vec::<f32>().unwrap();
                    let wanted = &expected[&format!("{decay}.step{step}.{name}")].data;
                    for (a, b) in found.iter().zip(wanted) {
                        // PyTorch may fuse a multiplication and an addition.
                        assert!((a - b).abs() <= 2e-7, "{decay}, step {step}: {a} against {b}");
                    }
                    assert!(step > 1 || found == now, "the first step is the start");
                }
            }
        }
    }
}
