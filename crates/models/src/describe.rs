//! Describes a network as a graph, for export to other formats.

use crate::Network;
use crate::describer::Describer;
use crate::graph::NetworkGraph;
use crate::state_dict::names_by_id;

/// Describes `network` in evaluation mode. Folds normalisation into the convolutions and omits
/// dropout.
///
/// # Panics
///
/// When a normalisation is in training mode. Call [`burn::module::Module::valid`] first.
pub fn describe(network: &Network) -> NetworkGraph {
    let mut describer = Describer::new(names_by_id(network));
    let (features, late) = network.describe_trunk(&mut describer);
    describer.finish(network.classifier(), features, late)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use burn::tensor::Device;

    use super::*;
    use crate::{GraphValue, Operation, RegularizationRates, architectures, state_dict};

    #[test]
    fn every_network_is_described_whole_and_each_name_stands_once() {
        for architecture in architectures() {
            let network =
                Network::new(architecture, 7, RegularizationRates::default(), &Device::flex());
            let graph = describe(&network);
            let names: BTreeSet<_> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
            assert_eq!(names.len(), graph.nodes.len(), "{}", architecture.name);
            // Every weight except the normalisations' own is in the graph, under its layer.
            for (name, value) in state_dict(&network) {
                if value.shape.len() < 2 {
                    continue;
                }
                let layer = name.trim_end_matches(".weight");
                let node = graph.nodes.iter().find(|node| node.name == layer).expect(layer);
                let (Operation::Conv { weight, .. } | Operation::Linear { weight, .. }) =
                    &node.operation
                else {
                    panic!("{layer} has no weights")
                };
                assert_eq!(weight.shape, value.shape, "{layer}");
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
}
