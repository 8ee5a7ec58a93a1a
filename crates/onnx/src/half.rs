//! Converts a graph to 16-bit floats: half the size. Input and output stay 32-bit, so callers need
//! no change.

use half::f16;

use crate::builder::{float_values, int, node, raw_tensor};
use crate::proto::{ElementType, ModelProto};
use crate::{OnnxError, Result};

/// Converts a float model built by [`crate::builder`], with one input and one output.
///
/// # Errors
///
/// [`OnnxError::Graph`] when a constant is too large for 16 bits (beyond 65504), or the number of
/// inputs or outputs is not one.
pub fn to_half(model: &ModelProto) -> Result<ModelProto> {
    let refuse = |reason: String| OnnxError::Graph { verb: "written in 16-bit floats", reason };
    let mut model = model.clone();
    let mut graph = model.graph.take().ok_or_else(|| refuse("there is none".into()))?;
    let ([input], [output]) = (graph.input.as_slice(), graph.output.as_slice()) else {
        return Err(refuse("it has not one input and one output".into()));
    };
    let (input, output) = (input.name.clone(), output.name.clone());
    for tensor in &mut graph.initializer {
        let Some(values) = float_values(tensor) else { continue };
        if let Some(value) = values.iter().find(|value| f16::from_f32(**value).is_infinite()) {
            return Err(refuse(format!(
                "`{}` holds {value}, and 16 bits end at 65504",
                tensor.name
            )));
        }
        let bytes = values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
        let shape: Vec<usize> = tensor.dims.iter().map(|&extent| extent as usize).collect();
        *tensor = raw_tensor(&tensor.name, &shape, ElementType::Float16, bytes);
    }
    let (half_input, half_output) = (format!("{input}.half"), format!("{output}.half"));
    for step in &mut graph.node {
        step.input
            .iter_mut()
            .filter(|name| **name == input)
            .for_each(|name| name.clone_from(&half_input));
        step.output
            .iter_mut()
            .filter(|name| **name == output)
            .for_each(|name| name.clone_from(&half_output));
    }
    let cast = |name: &str, from: &str, to: ElementType| {
        node("Cast", name, &[from], [int("to", to as i64)])
    };
    graph.node.insert(0, cast(&half_input, &input, ElementType::Float16));
    graph.node.push(cast(&output, &half_output, ElementType::Float));
    model.graph = Some(graph);
    Ok(model)
}
