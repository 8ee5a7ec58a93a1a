//! A family of tokens, which the zoo does not have: what holds for feature maps holds for it.

#[path = "common/formula.rs"]
mod formula;
#[path = "common/tokens/mod.rs"]
mod tokens;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_core::HeadInit;
use kennel_models::{
    Architecture, FeatureTensor, Network, RegularizationRates, Value, architectures, describe,
    draw_network, rows, state_dict,
};

fn drawn(architecture: &Architecture) -> Network {
    let network = Network::new(architecture, 5, RegularizationRates::default(), &Device::flex());
    draw_network(network, HeadInit::Timm, 7)
}

fn images(batch: usize, side: usize) -> Tensor<4> {
    let data = TensorData::new(formula::images("input", batch, side), [batch, 3, side, side]);
    Tensor::from_data(data, &Device::flex())
}

#[test]
fn it_is_not_in_the_zoo() {
    for architecture in tokens::architectures() {
        assert!(architectures().iter().all(|known| known.name != architecture.name));
    }
}

#[test]
fn every_stage_owns_its_tensors_and_the_family_says_how_they_start() {
    for architecture in tokens::architectures() {
        let network = drawn(&architecture);
        let stages = network.stages();
        let state = state_dict(&network);
        for (name, value) in &state {
            assert_eq!(stages.iter().filter(|stage| stage.owns(name)).count(), 1, "{name}");
            let is_constant = value.data.iter().all(|x| *x == value.data[0]);
            let is_drawn = value.shape.len() > 1 || name == "head.bias";
            assert_eq!(is_constant, !is_drawn, "{name}");
            if name == "pos_embed" || name == "cls_token" {
                assert!(value.data.iter().all(|x| x.abs() <= 0.02), "{name}");
            }
        }
        let of_1000 =
            Network::new(&architecture, 1000, RegularizationRates::default(), &Device::flex());
        let counted: usize = state_dict(&of_1000).values().map(|value| value.data.len()).sum();
        assert_eq!(counted as u64, architecture.parameters, "{}", architecture.name);
    }
}

#[test]
fn features_of_a_photo_do_not_depend_on_its_batch_and_are_stored_bit_for_bit() {
    for architecture in tokens::architectures() {
        let network = drawn(&architecture);
        let side = architecture.side_px as usize;
        let photos = images(5, side);
        let logits = rows(network.infer(photos.clone()));
        for frozen in 0..network.stages().len() {
            let features = network.infer_trunk(photos.clone(), frozen);
            let is_tokens = matches!(features, Value::Tokens(_));
            assert_eq!(
                is_tokens,
                frozen > 0 && frozen + 1 < network.stages().len(),
                "{frozen} stages"
            );
            let (shape, values) = features.into_records();
            let record: usize = shape.iter().product();
            for (index, expected) in logits.iter().enumerate() {
                let alone = network.infer_trunk(photos.clone().narrow(0, index, 1), frozen);
                let here = &values[index * record..][..record];
                assert_eq!(alone.into_records(), (shape.clone(), here.to_vec()), "photo {index}");
                let stored = FeatureTensor::from_records(&shape, 1, here.to_vec(), &Device::flex());
                assert_eq!(&rows(network.infer_top(stored, frozen))[0], expected, "photo {index}");
            }
        }
    }
}

#[test]
fn it_is_described_and_each_name_stands_once() {
    for architecture in tokens::architectures() {
        let graph = describe(&drawn(&architecture), architecture.side_px);
        let mut names: Vec<_> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        for layer in
            ["patch_embed.proj", "pos_embed", "blocks.1.norm2", "blocks.1.mlp.fc2", "norm", "head"]
        {
            assert!(names.contains(&layer), "{layer} in {names:?}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), graph.nodes.len());
        assert!(graph.kept_in_float().is_empty());
    }
}
