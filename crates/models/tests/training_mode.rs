//! Compares the gradients of one batch in training mode with timm's. Fixtures:
//! `tools/fixtures/training_mode.py`.

#[path = "common/formula.rs"]
mod formula;
#[path = "common/golden.rs"]
mod golden;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use golden::Golden;
use kennel_models::{
    NamePath, Network, RegularizationRates, apply_state_dict, architecture, state_dict,
    with_trainable,
};

const CLASSES: usize = 10;
const BATCH: usize = 4;
const SAMPLES: usize = 8;

struct Fixture {
    side: usize,
    /// Factor of the scales of all normalisations, and what is added to their shifts.
    norms_by: [f32; 2],
    norms: Vec<f32>,
    /// The largest |gradient| of each parameter; 0 if it has none.
    largest: Vec<f32>,
    /// [`SAMPLES`] values of each gradient.
    samples: Vec<f32>,
    /// How far PyTorch's two memory layouts differ: the worst parameter and the median one.
    layouts: [f32; 2],
}

fn read_fixture(arch: &str) -> Fixture {
    let golden = Golden::read("training_mode", arch);
    let number = |name: &str| golden.metadata[name].parse::<f32>().unwrap();
    Fixture {
        side: golden.metadata["side"].parse().unwrap(),
        norms_by: [number("scale"), number("shift")],
        norms: golden.values("norms"),
        largest: golden.values("largest"),
        samples: golden.values("samples"),
        layouts: [number("worst"), number("median")],
    }
}

/// A network with the formula's weights, whose parameters are all trained.
fn network(arch: &str, [scale, shift]: [f32; 2]) -> Network {
    let architecture = architecture(arch).unwrap();
    let rates = RegularizationRates::default();
    let network = Network::new(architecture, CLASSES, rates, &Device::flex());
    let mut weights = formula::weights(&state_dict(&network));
    let norms: Vec<String> = weights
        .keys()
        .filter_map(|name| name.strip_suffix("running_mean"))
        .map(String::from)
        .collect();
    for norm in norms {
        let weight = weights.get_mut(&format!("{norm}weight")).unwrap();
        weight.data.iter_mut().for_each(|x| *x *= scale);
        let bias = weights.get_mut(&format!("{norm}bias")).unwrap();
        bias.data.iter_mut().for_each(|x| *x += shift);
    }
    let all: Vec<String> = network.stages().into_iter().flat_map(|stage| stage.prefixes).collect();
    with_trainable(apply_state_dict(network, &weights), &all)
}

/// Collects the gradient of every parameter by its name.
struct Collector<'a> {
    path: NamePath,
    grads: &'a Gradients,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.grads) {
            self.found.insert(self.path.name(), gradient.into_data().try_into_vec().unwrap());
        }
    }
}

fn gradients(network: &Network, side: usize) -> BTreeMap<String, Vec<f32>> {
    let pixels = TensorData::new(formula::images("input", BATCH, side), [BATCH, 3, side, side]);
    let logits = network.forward(Tensor::from_data(pixels, &Device::flex()));
    let weights = (0..(BATCH * CLASSES) as u64).map(|index| formula::signed("loss", index));
    let weights = TensorData::new(weights.collect::<Vec<_>>(), [BATCH, CLASSES]);
    let grads = (logits * Tensor::from_data(weights, &Device::flex())).sum().backward();
    let mut collector =
        Collector { path: NamePath::default(), grads: &grads, found: BTreeMap::new() };
    network.visit(&mut collector);
    collector.found
}

#[test]
fn gradients_in_training_mode_are_those_of_timm() {
    for arch in [
        "resnet18",
        "resnet50d",
        "seresnet50",
        "regnety_016",
        "regnety_032",
        "efficientnet_b0",
        "tf_efficientnet_b0",
        "tf_efficientnet_b3",
        "tf_efficientnet_lite0",
        "tf_efficientnetv2_b0",
        "tf_efficientnetv2_s",
        "mobilenetv2_100",
        "mobilenetv3_small_100",
        "mobilenetv3_large_100",
        "mobilenetv4_conv_small",
        "mobilenetv4_conv_medium",
        "test_resnet",
        "test_efficientnet",
    ] {
        let fixture = read_fixture(arch);
        let found = gradients(&network(arch, fixture.norms_by), fixture.side);
        assert_eq!(found.len(), fixture.norms.len(), "{arch}");
        let mut differences = Vec::new();
        for (index, (name, gradient)) in found.iter().enumerate() {
            let (norm, largest) = (fixture.norms[index], fixture.largest[index]);
            if largest == 0.0 {
                continue;
            }
            let own_norm = gradient.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            let mut difference = (own_norm as f32 / norm - 1.0).abs();
            for (sample, expected) in
                fixture.samples[index * SAMPLES..][..SAMPLES].iter().enumerate()
            {
                let found = gradient[sample * gradient.len() / SAMPLES];
                difference = difference.max((found - expected).abs() / largest);
            }
            assert!(difference.is_finite(), "{arch} {name}");
            differences.push(difference);
        }
        differences.sort_by(f32::total_cmp);
        let (worst, median) =
            (differences[differences.len() - 1], differences[differences.len() / 2]);
        println!(
            "{arch}: gradients differ by {worst:.1e} of the largest, the median by {median:.1e}"
        );
        let [worst_layouts, median_layouts] = fixture.layouts.map(|layouts| layouts.max(1e-4));
        // Both are as near as PyTorch's own two layouts. The worst parameter's gradient is small
        // beside the terms that it is a sum of: another order of additions may double its error.
        assert!(median <= median_layouts, "{arch}: {median:.1e}, {median_layouts:.1e} in PyTorch");
        assert!(
            worst <= 2.0 * worst_layouts,
            "{arch}: {worst:.1e}, {worst_layouts:.1e} in PyTorch"
        );
    }
}
