//! Adds the output that tells unknown photos.

use crate::builder::{Extent, GraphBuilder, int};
use crate::proto::{ElementType, ModelProto};
use crate::{OnnxError, Result};

/// Name of the output: one score for each photo, f32. Known photos are near 1.
pub const UNKNOWN_SCORE: &str = "unknown_score";

/// An output of a late stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LateOutput {
    /// A feature map, `[batch, channels, height, width]`.
    Map(String),
    /// Tokens, `[batch, tokens, channels]`.
    Tokens(String),
}

impl LateOutput {
    /// The name of the tensor.
    pub fn name(&self) -> &str {
        let (LateOutput::Map(name) | LateOutput::Tokens(name)) = self;
        name
    }
}

/// A Gaussian over the means of the late outputs, as [`with_unknown_score`] writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnknownGraph<'a> {
    /// `[width]`.
    pub mean: &'a [f32],
    /// Orthonormal directions, `[rank, width]`.
    pub axes: &'a [f32],
    /// Variance along each axis. `[rank]`.
    pub variances: &'a [f32],
    /// Variance in every direction outside the axes.
    pub rest: f32,
    /// Whether the late outputs have twice as many rows as there are photos: the first half is
    /// theirs, and counts.
    pub is_doubled: bool,
}

/// Adds the output [`UNKNOWN_SCORE`]: the squared Mahalanobis distance of the late outputs' means,
/// divided by their number. Computes it in 32-bit floats, also where the network does not.
///
/// # Errors
///
/// [`OnnxError::Graph`] when there is no graph, or nothing writes a late output.
pub fn with_unknown_score(
    model: &ModelProto,
    late: &[LateOutput],
    gaussian: UnknownGraph<'_>,
    batch: Extent,
) -> Result<ModelProto> {
    let refuse =
        |reason: String| OnnxError::Graph { verb: "given a score of unknown photos", reason };
    let mut model = model.clone();
    let graph = model.graph.take().ok_or_else(|| refuse("there is none".into()))?;
    let writes = |name: &str| graph.node.iter().any(|node| node.output.iter().any(|o| o == name));
    let mut sources = Vec::with_capacity(late.len());
    for output in late {
        let name = output.name();
        if !writes(name) {
            return Err(refuse(format!("nothing writes `{name}`")));
        }
        // The tensor that the network itself goes on with: a layer of integers then computes the
        // tensor once.
        let rounded = format!("{name}.dequantized");
        sources.push(if writes(&rounded) { rounded } else { name.into() });
    }
    let UnknownGraph { mean, axes, variances, rest, is_doubled } = gaussian;
    let (width, rank) = (mean.len(), variances.len());
    let mut graph = GraphBuilder::from_graph(graph);
    let named = |what: &str| format!("unknown.{what}");
    let last_axis = graph.ints(&named("last_axis"), &[1]);
    let mut features = Vec::with_capacity(late.len());
    for (index, (output, source)) in late.iter().zip(&sources).enumerate() {
        let named = |what: &str| format!("unknown.late.{index}.{what}");
        let to = [int("to", ElementType::Float as i64)];
        let floats = graph.node("Cast", &named("floats"), &[source], to);
        features.push(match output {
            LateOutput::Map(_) => {
                let means = graph.node("GlobalAveragePool", &named("means"), &[&floats], []);
                graph.node("Flatten", &named("features"), &[&means], [int("axis", 1)])
            }
            LateOutput::Tokens(_) => {
                let keep = [int("keepdims", 0)];
                graph.node("ReduceMean", &named("features"), &[&floats, &last_axis], keep)
            }
        });
    }
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    let mut features = graph.node("Concat", &named("features"), &features, [int("axis", 1)]);
    if is_doubled {
        let halves = graph.ints(&named("halves.shape"), &[2, -1, width as i64]);
        let halves = graph.node("Reshape", &named("halves"), &[&features, &halves], []);
        let first = graph.int(&named("first"), 0);
        let axis = [int("axis", 0)];
        features = graph.node("Gather", &named("of_photos"), &[&halves, &first], axis);
    }
    let mean = graph.floats(&named("mean"), &[width], mean);
    let centred = graph.node("Sub", &named("centred"), &[&features, &mean], []);
    let squares = |graph: &mut GraphBuilder, what: &str, of: &str| {
        let squared = graph.node("Mul", &named(&format!("{what}.squared")), &[of, of], []);
        let keep = [int("keepdims", 0)];
        graph.node("ReduceSum", &named(what), &[&squared, &last_axis], keep)
    };
    let whole = squares(&mut graph, "whole", &centred);
    let (distance, inside) = match rank {
        0 => (None, None),
        _ => {
            // Columns, as `MatMul` takes them.
            let columns: Vec<f32> =
                (0..width * rank).map(|at| axes[at % rank * width + at / rank]).collect();
            let axes = graph.floats(&named("axes"), &[width, rank], &columns);
            let along = graph.node("MatMul", &named("along"), &[&centred, &axes], []);
            let deviations: Vec<f32> =
                variances.iter().map(|variance| 1.0 / variance.sqrt()).collect();
            let deviations = graph.floats(&named("deviations"), &[rank], &deviations);
            let scaled = graph.node("Mul", &named("scaled"), &[&along, &deviations], []);
            let distance = squares(&mut graph, "distance", &scaled);
            (Some(distance), Some(squares(&mut graph, "inside", &along)))
        }
    };
    let outside = match inside {
        Some(inside) => {
            let outside = graph.node("Sub", &named("difference"), &[&whole, &inside], []);
            graph.node("Relu", &named("outside"), &[&outside], [])
        }
        None => whole,
    };
    let rest = graph.floats(&named("rest"), &[], &[rest]);
    let mut sum = graph.node("Div", &named("outside.scaled"), &[&outside, &rest], []);
    if let Some(distance) = distance {
        sum = graph.node("Add", &named("sum"), &[&sum, &distance], []);
    }
    let count = graph.floats(&named("width"), &[], &[width as f32]);
    graph.node("Div", UNKNOWN_SCORE, &[&sum, &count], []);
    graph.output(UNKNOWN_SCORE, ElementType::Float, &[batch]);
    model.graph = Some(graph.finish());
    Ok(model)
}
