//! Weight decay and layer decay reach the tensors that they reach in timm. Fixture:
//! `tools/fixtures/param_groups.py`.

#[path = "../../models/tests/common/tokens/mod.rs"]
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::{Interpolation, OptimizerConfig, Preprocessing, Settings, Strategy, Weights};
use kennel_models::{
    Architecture, Network, RegularizationRates, StateDict, TensorValue, apply_state_dict,
    architectures, is_buffer, state_dict, with_trainable,
};
use kennel_train::{LayerRates, NamedGradients, Optimizer, WeightDecay};

/// A parameter of a network of timm.
struct Parameter {
    architecture: &'static str,
    name: &'static str,
    axes: usize,
    is_decayed: bool,
    /// Power of the layer decay.
    power: i32,
}

fn expected() -> Vec<Parameter> {
    let text = include_str!("fixtures/param_groups/expected.tsv");
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [architecture, name, axes, is_decayed, power] = cells[..] else { panic!("{line}") };
            let number = |cell: &str| cell.parse::<i32>().unwrap();
            Parameter {
                architecture,
                name,
                axes: number(axes) as usize,
                is_decayed: number(is_decayed) == 1,
                power: number(power),
            }
        })
        .collect()
}

fn network() -> Network {
    let [mean, _] = &tokens::architectures()[..] else { panic!("two architectures") };
    Network::new(mean, 5, RegularizationRates::default(), &Device::flex())
}

fn settings() -> Settings {
    let preprocessing = Preprocessing::imagenet(32, 1.0, Interpolation::Bicubic);
    Settings {
        layer_decay: Some(0.5),
        no_norm_decay: true,
        ..Settings::published("tokens".into(), Weights::Random, Strategy::Full, preprocessing)
    }
}

#[test]
fn weight_decay_reaches_what_it_reaches_in_timm() {
    let decay = WeightDecay::new(&network(), &settings());
    let parameters = expected();
    for Parameter { architecture, name, axes, is_decayed, .. } in &parameters {
        assert_eq!(decay.acts_on(name, *axes), *is_decayed, "{architecture} {name}");
    }
    let spared = |name: &str| parameters.iter().any(|of| of.name == name && !of.is_decayed);
    for name in ["pos_embed", "cls_token", "reg_token", "dist_token", "bn1.weight"] {
        assert!(spared(name), "{name} is in the fixture");
    }
    let all = WeightDecay::new(&network(), &Settings { no_norm_decay: false, ..settings() });
    assert!(parameters.iter().all(|of| all.acts_on(of.name, of.axes)));
}

#[test]
fn layer_decay_goes_by_block_as_in_timm() {
    let expected = expected();
    let mut compared = BTreeSet::new();
    for architecture in architectures().iter().chain(&tokens::architectures()[..1]) {
        let of_timm = expected.iter().filter(|of| is_of(of, architecture));
        let of_timm: BTreeMap<_, _> = of_timm.map(|of| (of.name, of.power)).collect();
        if of_timm.is_empty() {
            continue;
        }
        let network =
            Network::new(architecture, 5, RegularizationRates::default(), &Device::flex());
        let rates = LayerRates::new(&network, &settings());
        for name in state_dict(&network).keys().filter(|name| !is_buffer(name)) {
            let power = of_timm.get(name.as_str()).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(rates.factor(name), 0.5_f64.powi(*power), "{} {name}", architecture.name);
        }
        compared.insert(architecture.group);
    }
    for architecture in architectures() {
        assert!(compared.contains(architecture.group), "{} is in the fixture", architecture.group);
    }
}

/// Whether a parameter is the architecture's. The tests' own network is `tokens` in the fixture.
fn is_of(of: &Parameter, architecture: &Architecture) -> bool {
    let is_own = architecture.name == tokens::architectures()[0].name;
    of.architecture == if is_own { "tokens" } else { architecture.name }
}

/// With a gradient of zero AdamW moves a tensor by its weight decay alone.
#[test]
fn a_step_shrinks_matrices_and_leaves_norms_biases_and_tokens() {
    let network = network();
    let ones: StateDict = state_dict(&network)
        .into_iter()
        .map(|(name, TensorValue { shape, data })| {
            (name, TensorValue { shape, data: vec![1.0; data.len()] })
        })
        .collect();
    let names: Vec<String> = ones.keys().cloned().collect();
    let network = with_trainable(apply_state_dict(network, &ones), &names);
    let gradients: NamedGradients = ones
        .iter()
        .map(|(name, value)| {
            let data = TensorData::new(vec![0.0_f32; value.data.len()], [value.data.len()]);
            (name.clone(), Tensor::from_data(data, &Device::flex()))
        })
        .collect();
    let adamw = OptimizerConfig::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.5 };
    let decay = WeightDecay::new(&network, &settings());
    let mut optimizer = Optimizer::new(adamw).with_decay_of(decay.clone());
    let moved = state_dict(&optimizer.step(network, gradients, |_| 0.1));
    let mut shrunk = 0;
    for (name, value) in &moved {
        let is_decayed = decay.acts_on(name, value.shape.len());
        let wanted = if is_decayed { 0.95 } else { 1.0 };
        assert!(value.data.iter().all(|x| (x - wanted).abs() < 1e-6), "{name}");
        shrunk += usize::from(is_decayed);
    }
    assert_eq!(shrunk, 6, "the embedding, two blocks of two matrices, the head");
}
