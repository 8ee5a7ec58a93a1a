//! Rewrites a float graph as one of 8-bit integers, given the ranges of its tensors.

use std::collections::HashMap;

use super::{Layer, Range, Ranges, tensors_of};
use crate::builder::{float_tensor, float_values, int, node, raw_tensor};
use crate::proto::{ElementType, GraphProto, ModelProto, NodeProto, TensorProto};
use crate::{OnnxError, Result};

/// Largest absolute value of a weight. Symmetric, so -128 is not used.
const WEIGHT_LEVELS: f32 = 127.0;
/// Largest sum of two neighbouring weights of one sign, before rounding. Without VNNI (AVX2's
/// `vpmaddubsw`), ONNX Runtime adds two products of an activation, shifted to 0..=255, and a weight
/// in 16 bits, which saturate. Rounding adds 1 at most, and 255 * 128 < 2^15.
const NEIGHBOUR_LEVELS: f32 = 127.0;
/// Largest absolute value of a bias: less than 32 bits, to leave room for the sum of products.
const BIAS_LEVELS: f32 = (1 << 30) as f32;

/// Quantises `layers` of a float model: their weights and biases, and every tensor that they read
/// or write.
///
/// # Errors
///
/// [`OnnxError::Graph`] when a tensor has no range, or a layer has no float weights.
pub fn quantise(model: &ModelProto, layers: &[Layer], ranges: &Ranges) -> Result<ModelProto> {
    let mut model = model.clone();
    let mut graph = model.graph.take().ok_or_else(|| refuse("there is none".into()))?;
    let mut scales = HashMap::new();
    for tensor in tensors_of(layers) {
        let range = ranges.get(tensor).ok_or_else(|| refuse(format!("`{tensor}` has no range")))?;
        scales.insert(tensor, quantise_tensor(&mut graph, tensor, *range)?);
    }
    for layer in layers {
        quantise_weights(&mut graph, layer, scales[layer.input.as_str()])?;
    }
    model.graph = Some(graph);
    Ok(model)
}

fn refuse(reason: String) -> OnnxError {
    OnnxError::Graph { verb: "quantised", reason }
}

/// Rounds `tensor` to 8 bits for all of its readers. Returns the scale.
fn quantise_tensor(graph: &mut GraphProto, tensor: &str, range: Range) -> Result<f32> {
    let scale = ((range.high - range.low) / 255.0).max(f32::MIN_POSITIVE * 256.0);
    let zero = (-128.0 - range.low / scale).round().clamp(-128.0, 127.0) as i8;
    let (scale_name, zero_name) = (format!("{tensor}.scale"), format!("{tensor}.zero_point"));
    let (bits, levels) = (format!("{tensor}.quantized"), format!("{tensor}.dequantized"));
    graph.initializer.push(float_tensor(&scale_name, &[], &[scale]));
    graph.initializer.push(raw_tensor(
        &zero_name,
        &[],
        ElementType::Int8,
        zero.to_le_bytes().into(),
    ));
    for reader in &mut graph.node {
        reader
            .input
            .iter_mut()
            .filter(|name| **name == tensor)
            .for_each(|name| name.clone_from(&levels));
    }
    // Insert after the node that writes the tensor; at the start for the input of the graph.
    let place =
        match graph.node.iter().position(|node| node.output.iter().any(|name| name == tensor)) {
            Some(writer) => writer + 1,
            None if graph.input.iter().any(|info| info.name == tensor) => 0,
            None => return Err(refuse(format!("nothing writes `{tensor}`"))),
        };
    graph.node.splice(
        place..place,
        [
            node("QuantizeLinear", &bits, &[tensor, &scale_name, &zero_name], []),
            node("DequantizeLinear", &levels, &[&bits, &scale_name, &zero_name], []),
        ],
    );
    Ok(scale)
}

/// Rounds the weights of a layer to 8 bits, with one scale per output channel, and its bias to 32
/// bits.
fn quantise_weights(graph: &mut GraphProto, layer: &Layer, input_scale: f32) -> Result<()> {
    let place = graph.node.iter().position(|node| node.name == layer.name);
    let place = place.ok_or_else(|| refuse(format!("there is no `{}`", layer.name)))?;
    let names = graph.node[place].input.clone();
    // A product of tokens has `[features, outputs]` and no bias; the others begin with the outputs.
    let (weight_name, bias_name, axis) = match names.as_slice() {
        [_, weight, bias] => (weight, Some(bias), 0),
        [_, weight] => (weight, None, 1),
        _ => return Err(refuse(format!("`{}` has not one input and weights", layer.name))),
    };
    let (shape, weight) = take_floats(graph, weight_name)?;
    let bias = bias_name.map(|name| take_floats(graph, name)).transpose()?;
    let outputs = shape[axis];
    let output_of = |place: usize| match axis {
        0 => place / (weight.len() / outputs),
        _ => place % outputs,
    };
    let mut channels = vec![Vec::new(); outputs];
    for (place, &weight) in weight.iter().enumerate() {
        channels[output_of(place)].push(weight);
    }
    let positions = shape.get(2..).map_or(1, |kernel| kernel.iter().product());
    let scales: Vec<f32> = channels
        .iter()
        .enumerate()
        .map(|(output, channel)| {
            // The weights of a dead channel may all be zero, but its bias must still fit.
            let bias = bias.as_ref().map_or(0.0, |(_, bias)| bias[output].abs());
            weight_scale(channel, positions)
                .max(bias / (input_scale * BIAS_LEVELS))
                .max(f32::MIN_POSITIVE * 256.0)
        })
        .collect();
    let quantised: Vec<u8> = weight
        .iter()
        .enumerate()
        .map(|(place, weight)| {
            let level = (weight / scales[output_of(place)]).round();
            level.clamp(-WEIGHT_LEVELS, WEIGHT_LEVELS) as i8 as u8
        })
        .collect();

    let mut dequantised = |name: &str, bits: TensorProto, scales: &[f32], axis| -> NodeProto {
        let (bits_name, scale_name) = (bits.name.clone(), format!("{name}.scale"));
        graph.initializer.push(bits);
        graph.initializer.push(float_tensor(&scale_name, &[outputs], scales));
        node("DequantizeLinear", name, &[&bits_name, &scale_name], [int("axis", axis)])
    };
    let bits = |name: &str, shape: &[usize], element, bytes| {
        raw_tensor(&format!("{name}.quantized"), shape, element, bytes)
    };
    let quantised = bits(weight_name, &shape, ElementType::Int8, quantised);
    let mut nodes = vec![dequantised(weight_name, quantised, &scales, axis as i64)];
    if let (Some(name), Some((_, bias))) = (bias_name, bias) {
        let scales: Vec<f32> = scales.iter().map(|scale| scale * input_scale).collect();
        let levels = bias.iter().zip(&scales).map(|(bias, scale)| (bias / scale).round() as i32);
        let bytes = levels.flat_map(i32::to_le_bytes).collect();
        nodes.push(dequantised(
            name,
            bits(name, &[outputs], ElementType::Int32, bytes),
            &scales,
            0,
        ));
    }
    graph.node.splice(place..place, nodes);
    Ok(())
}

/// Finds the finest scale for the weights of one output channel, which has `positions` weights per
/// input channel.
fn weight_scale(channel: &[f32], positions: usize) -> f32 {
    let largest = channel.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    // Some kernels go through the positions of one input channel after the other, some through the
    // input channels of one position.
    let sums = [1, positions].into_iter().flat_map(|apart| {
        let pairs = channel.iter().zip(channel.iter().skip(apart));
        pairs.filter(|(a, b)| a.signum() == b.signum()).map(|(a, b)| (a + b).abs())
    });
    let neighbours = sums.fold(0.0, f32::max);
    (largest / WEIGHT_LEVELS).max(neighbours / NEIGHBOUR_LEVELS)
}

/// Removes a float constant from the graph. Returns its shape and values.
fn take_floats(graph: &mut GraphProto, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
    let place = graph.initializer.iter().position(|tensor| tensor.name == name);
    let place = place.ok_or_else(|| refuse(format!("`{name}` is no constant")))?;
    let tensor = graph.initializer.remove(place);
    let values =
        float_values(&tensor).ok_or_else(|| refuse(format!("`{name}` holds no 32-bit floats")))?;
    Ok((tensor.dims.iter().map(|&extent| extent as usize).collect(), values))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_two_neighbours_saturate_16_bits(
            channel in prop::collection::vec(-3.0_f32..3.0, 18),
            positions in prop::sample::select(vec![1_usize, 9]),
        ) {
            let scale = weight_scale(&channel, positions);
            let levels: Vec<i32> = channel.iter().map(|w| (w / scale).round() as i32).collect();
            prop_assert!(levels.iter().all(|level| level.abs() <= 127));
            for apart in [1, positions] {
                for (a, b) in levels.iter().zip(&levels[apart..]) {
                    prop_assert!(i16::try_from(255 * (a.max(&0) + b.max(&0))).is_ok(), "{a} {b}");
                    prop_assert!(i16::try_from(255 * (a.min(&0) + b.min(&0))).is_ok(), "{a} {b}");
                }
            }
            // A channel whose neighbours have opposite signs keeps all 8 bits.
            let apart: Vec<f32> = [1.0, -1.0].repeat(4);
            prop_assert_eq!(weight_scale(&apart, 1), 1.0 / WEIGHT_LEVELS);
        }
    }
}
