//! The output of a file that tells unknown photos.

use kennel_models::{GraphValue, NetworkGraph, Value};
use kennel_onnx::builder::Extent;
use kennel_onnx::{LateOutput, ModelProto, UnknownGraph, with_unknown_score};
use kennel_unknown::{Gaussian, Unknown};

use crate::Result;

/// Returns the tensors of the graph that tell unknown photos.
pub fn late_outputs(described: &NetworkGraph) -> Vec<LateOutput> {
    let name = |value: &GraphValue| match value {
        GraphValue::Pixels => crate::INPUT.to_string(),
        GraphValue::Node(place) => described.nodes[*place].name.clone(),
    };
    let output = |value: &Value<GraphValue, GraphValue>| match value {
        Value::Map(map) => LateOutput::Map(name(map)),
        Value::Tokens(tokens) => LateOutput::Tokens(name(tokens)),
    };
    described.late.iter().map(output).collect()
}

/// Adds the output to a graph that takes pixels, or one photo.
///
/// # Errors
///
/// Those of [`with_unknown_score`].
pub fn with_unknown(
    model: &ModelProto,
    late: &[LateOutput],
    unknown: &Unknown,
    photo_input: bool,
) -> Result<ModelProto> {
    let Gaussian { mean, axes, variances, rest } = &unknown.known;
    let gaussian = UnknownGraph { mean, axes, variances, rest: *rest };
    let batch = if photo_input { Extent::Fixed(1) } else { Extent::Named("batch") };
    Ok(with_unknown_score(model, late, gaussian, batch)?)
}
