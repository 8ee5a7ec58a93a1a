//! Rewrites a float graph as one of 8-bit integers, given the ranges of its tensors.

use std::collections::HashMap;

use super::{Layer, Range, Ranges, tensors_of};
use crate::builder::{float_tensor, float_values, int, node, raw_tensor};
use crate::proto::{ElementType, GraphProto, ModelProto, NodeProto, TensorProto};
use crate::{OnnxError, Result};

/// Largest absolute value of a weight. Symmetric, so -128 is not used.
const WEIGHT_LEVELS: f32 = 127.0;
/// Largest absolute value of a bias: less than 32 bits, to leave room for the sum of products.
const BIAS_LEVELS: f32 = (1 << 30) as f32;

/// Quantises `layers` of a float model: their weights and biases, and every tensor that they read
/// or write.
///
/// # Errors
///
/// [`OnnxError::Graph`] when a tensor has no range, or a layer has no float weights and bias.
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
    let [_, weight_name, bias_name] = names.as_slice() else {
        return Err(refuse(format!("`{}` has not one input, weights and bias", layer.name)));
    };
    let (shape, weight) = take_floats(graph, weight_name)?;
    let (_, bias) = take_floats(graph, bias_name)?;
    let outputs = shape[0];
    let per_output = weight.len() / outputs;
    let scales: Vec<f32> = weight
        .chunks_exact(per_output)
        .zip(&bias)
        .map(|(weights, bias)| {
            let largest = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
            // The weights of a dead channel may all be zero, but its bias must still fit.
            (largest / WEIGHT_LEVELS)
                .max(bias.abs() / (input_scale * BIAS_LEVELS))
                .max(f32::MIN_POSITIVE * 256.0)
        })
        .collect();
    let quantised: Vec<u8> = weight
        .chunks_exact(per_output)
        .zip(&scales)
        .flat_map(|(weights, scale)| {
            weights
                .iter()
                .map(move |w| (w / scale).round().clamp(-WEIGHT_LEVELS, WEIGHT_LEVELS) as i8 as u8)
        })
        .collect();
    let bias_scales: Vec<f32> = scales.iter().map(|scale| scale * input_scale).collect();
    let bias: Vec<u8> = bias
        .iter()
        .zip(&bias_scales)
        .flat_map(|(bias, scale)| ((bias / scale).round() as i32).to_le_bytes())
        .collect();

    let mut dequantised = |name: &str, bits: TensorProto, scales: &[f32]| -> NodeProto {
        let (bits_name, scale_name) = (bits.name.clone(), format!("{name}.scale"));
        graph.initializer.push(bits);
        graph.initializer.push(float_tensor(&scale_name, &[outputs], scales));
        node("DequantizeLinear", name, &[&bits_name, &scale_name], [int("axis", 0)])
    };
    let bits = |name: &str, shape: &[usize], element, bytes| {
        raw_tensor(&format!("{name}.quantized"), shape, element, bytes)
    };
    let weight =
        dequantised(weight_name, bits(weight_name, &shape, ElementType::Int8, quantised), &scales);
    let bias =
        dequantised(bias_name, bits(bias_name, &[outputs], ElementType::Int32, bias), &bias_scales);
    graph.node.splice(place..place, [weight, bias]);
    Ok(())
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
