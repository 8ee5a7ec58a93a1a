//! Makes a graph average the logits of photos with those of their mirror images.

use kennel_onnx::ModelProto;
use kennel_onnx::builder::{GraphBuilder, int};

use crate::graph::{INPUT, OUTPUT};

/// What the nodes of a network read in place of [`INPUT`]: all photos, then all mirror images.
const BOTH: &str = "flip.both";
/// What the network writes in place of [`OUTPUT`].
const OF_BOTH: &str = "flip.logits";

/// Rewrites a graph from [`INPUT`] to [`OUTPUT`], of any precision: the network sees every photo
/// and its mirror image, and the output is the mean of their logits. Every tensor inside has twice
/// as many rows, those of the photos first.
///
/// # Panics
///
/// When the model has no graph.
pub fn with_mirror(mut model: ModelProto, classes: usize) -> ModelProto {
    let mut network = model.graph.take().expect("a built model has a graph");
    let nodes = std::mem::take(&mut network.node);
    let mut graph = GraphBuilder::from_graph(network);
    // Along the width, from the last column to the first.
    let slice = [("starts", -1), ("ends", i64::MIN), ("axes", 3), ("steps", -1)];
    let slice = slice.map(|(name, value)| graph.ints(&format!("flip.{name}"), &[value]));
    let mut inputs = vec![INPUT];
    inputs.extend(slice.iter().map(String::as_str));
    let mirrored = graph.node("Slice", "flip.mirrored", &inputs, []);
    graph.node("Concat", BOTH, &[INPUT, &mirrored], [int("axis", 0)]);
    let rename = |name: &mut String, from: &str, to: &str| {
        if name == from {
            *name = to.into();
        }
    };
    let renamed = nodes.into_iter().map(|mut node| {
        node.input.iter_mut().for_each(|name| rename(name, INPUT, BOTH));
        // A node of smaller numbers may itself be named like the output.
        let others = node.input.iter_mut().chain(&mut node.output).chain([&mut node.name]);
        others.for_each(|name| rename(name, OUTPUT, OF_BOTH));
        node
    });
    graph.append(renamed.collect());
    let pairs = graph.ints("flip.pairs.shape", &[2, -1, classes as i64]);
    let pairs = graph.node("Reshape", "flip.pairs", &[OF_BOTH, &pairs], []);
    let axis = graph.ints("flip.axis", &[0]);
    graph.node("ReduceMean", OUTPUT, &[&pairs, &axis], [int("keepdims", 0)]);
    model.graph = Some(graph.finish());
    model
}
