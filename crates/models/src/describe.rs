//! Describes a network as a graph, for export to other formats.

use crate::Network;
use crate::describer::Describer;
use crate::graph::NetworkGraph;
use crate::state_dict::names_by_id;

/// Describes `network` in evaluation mode, for photos of `side_px`. Folds normalisation into the
/// convolutions and omits dropout.
///
/// # Panics
///
/// When a normalisation is in training mode. Call [`burn::module::Module::valid`] first.
pub fn describe(network: &Network, side_px: u32) -> NetworkGraph {
    let mut describer = Describer::new(names_by_id(network), side_px as usize);
    let (features, late) = network.describe_trunk(&mut describer);
    describer.finish(network.classifier(), features, late)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use burn::tensor::Device;

    use super::*;
    use crate::{
        GraphValue, Operation, RegularizationRates, architecture, architectures, state_dict,
    };

    #[test]
    fn every_network_is_described_whole_and_each_name_stands_once() {
        for architecture in architectures() {
            let network =
                Network::new(architecture, 7, RegularizationRates::default(), &Device::flex());
            let graph = describe(&network, architecture.test_side_px);
            let names: BTreeSet<_> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
            assert_eq!(names.len(), graph.nodes.len(), "{}", architecture.name);
            // Every weight except the normalisations' own is in the graph, under its layer.
            for (name, value) in state_dict(&network) {
                if value.shape.len() < 2 {
                    continue;
                }
                let layer = name.trim_end_matches(".weight");
                let node = graph.nodes.iter().find(|node| node.name == layer).expect(layer);
                let weight = match &node.operation {
                    Operation::Conv { weight, .. }
                    | Operation::Linear { weight, .. }
                    | Operation::LinearOnTokens { weight, .. }
                    | Operation::PrependTokens { tokens: weight } => weight,
                    // Resampled to the grid of the photos.
                    Operation::AddEmbedding { .. } => continue,
                    other => panic!("{layer} has no weights: {other:?}"),
                };
                let mut shape = weight.shape.clone();
                // A layer on tokens may be stored as a convolution of 1x1.
                shape.resize(value.shape.len(), 1);
                assert_eq!(shape, value.shape, "{layer}");
            }
            for (place, node) in graph.nodes.iter().enumerate() {
                for input in &node.inputs {
                    assert!(
                        *input == GraphValue::Pixels
                            || matches!(input, GraphValue::Node(i) if *i < place)
                    );
                }
            }
        }
    }

    #[test]
    fn layers_that_read_an_attention_stay_in_floats() {
        let vit = architecture("test_vit").unwrap();
        let network = Network::new(vit, 7, RegularizationRates::default(), &Device::flex());
        let graph = describe(&network, 64);
        let wanted: Vec<_> = (0..6).map(|block| format!("blocks.{block}.attn.proj")).collect();
        assert_eq!(Vec::from_iter(graph.kept_in_float()), wanted);
    }
}
