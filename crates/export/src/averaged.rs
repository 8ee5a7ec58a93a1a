//! Joins the graphs of several networks into one that averages their probabilities.

use kennel_onnx::ModelProto;
use kennel_onnx::builder::{self, Extent, GraphBuilder, int};
use kennel_onnx::photo_input::PROBABILITIES;
use kennel_onnx::proto::{ElementType, GraphProto};

use crate::graph::{INPUT, OUTPUT};

/// A network of an ensemble.
pub struct Part {
    /// Its graph, from [`INPUT`] to its logits, [`OUTPUT`].
    pub model: ModelProto,
    /// Divisor of its logits before the softmax.
    pub temperature: f64,
    /// Its positive share in the average. All shares sum to 1.
    pub weight: f64,
}

/// Joins graphs from the same input. The first output, [`OUTPUT`], holds logits as in every other
/// file: the logarithms of the averaged probabilities. The second, [`PROBABILITIES`], holds the
/// averages. Nodes and weights of network `i` are named `m<i>.` and their own name.
///
/// # Panics
///
/// Without parts, or when a part has no graph.
pub fn join(parts: Vec<Part>, side_px: u32, classes: usize) -> ModelProto {
    let mut joined = GraphBuilder::new("ensemble");
    let (batch, side) = (Extent::Named("batch"), Extent::Fixed(side_px as usize));
    joined.input(INPUT, ElementType::Float, &[batch, Extent::Fixed(3), side, side]);
    joined.output(OUTPUT, ElementType::Float, &[batch, Extent::Fixed(classes)]);
    joined.output(PROBABILITIES, ElementType::Float, &[batch, Extent::Fixed(classes)]);
    // The logarithm of each network's term of the average.
    let mut terms = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let under = |name: &str| format!("m{index}.{name}");
        let graph = prefixed(part.model.graph.expect("a built model has a graph"), &under);
        joined.append(graph.node);
        for tensor in graph.initializer {
            joined.constant(tensor);
        }
        let temperature = joined.floats(&under("temperature"), &[], &[part.temperature as f32]);
        let calibrated =
            joined.node("Div", &under("calibrated"), &[&under(OUTPUT), &temperature], []);
        let log = joined.node("LogSoftmax", &under("log"), &[&calibrated], [int("axis", -1)]);
        let weight = joined.floats(&under("weight"), &[], &[part.weight.ln() as f32]);
        terms.push(joined.node("Add", &under("term"), &[&log, &weight], []));
    }
    // Sums relative to the largest term, so that no probability is too small for its logarithm.
    let all: Vec<&str> = terms.iter().map(String::as_str).collect();
    let largest = joined.node("Max", "ensemble.largest", &all, []);
    let mut sum: Option<String> = None;
    for (index, term) in all.iter().enumerate() {
        let name = |what: &str| format!("ensemble.{what}.{index}");
        let shifted = joined.node("Sub", &name("shifted"), &[term, &largest], []);
        let share = joined.node("Exp", &name("share"), &[&shifted], []);
        sum = Some(match sum {
            None => share,
            Some(sum) => joined.node("Add", &name("sum"), &[&sum, &share], []),
        });
    }
    let sum = sum.expect("an ensemble has a member");
    let log = joined.node("Log", "ensemble.log", &[&sum], []);
    joined.node("Add", OUTPUT, &[&log, &largest], []);
    joined.node("Exp", PROBABILITIES, &[OUTPUT], []);
    builder::model(joined.finish())
}

/// Renames every value and node of a graph, but its input.
pub fn prefixed(mut graph: GraphProto, under: &dyn Fn(&str) -> String) -> GraphProto {
    let rename = |name: &mut String| {
        // An empty name stands for an input that is left out.
        if !name.is_empty() && name != INPUT {
            *name = under(name);
        }
    };
    for node in &mut graph.node {
        rename(&mut node.name);
        node.input.iter_mut().chain(&mut node.output).for_each(rename);
    }
    for tensor in &mut graph.initializer {
        rename(&mut tensor.name);
    }
    graph
}

#[cfg(test)]
mod tests {
    use kennel_metrics::log_average;
    use kennel_onnx::{Input, RuntimeKind, Session, Values, write_model};

    use super::*;

    /// A network of 2 pixels a side: the mean of each plane, times a factor, is a class's logit.
    fn network(factor: f32) -> ModelProto {
        let mut graph = GraphBuilder::new("small");
        let factor = graph.floats("fc.weight", &[], &[factor]);
        graph.node("GlobalAveragePool", "pool", &[INPUT], []);
        let shape = graph.ints("shape", &[0, -1]);
        graph.node("Reshape", "means", &["pool", &shape], []);
        graph.node("Mul", OUTPUT, &["means", &factor], []);
        builder::model(graph.finish())
    }

    #[test]
    fn the_joined_graph_averages_probabilities_in_every_runtime() {
        let factors = [(1.0_f32, 1.5, 0.25), (-2.0, 0.5, 0.75), (200.0, 1.0, 1e-3)];
        let parts = factors.map(|(factor, temperature, weight)| Part {
            model: network(factor),
            temperature,
            weight,
        });
        let joined = join(parts.into(), 2, 3);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("joined.onnx");
        write_model(&path, &joined).unwrap();
        let pixels: Vec<f32> = (0..24).map(|i| (i * 7 % 24) as f32 / 12.0 - 1.0).collect();
        let mean = |photo: usize, plane: usize| {
            pixels[(photo * 3 + plane) * 4..][..4].iter().sum::<f32>() / 4.0
        };
        let mut ran = 0;
        for runtime in RuntimeKind::ALL {
            let Ok(mut session) = Session::open(&path, runtime) else { continue };
            let input =
                Input { name: INPUT, shape: &[2, 3, 2, 2], values: Values::Floats(&pixels) };
            let found = session.run(input, &[OUTPUT, PROBABILITIES]).unwrap();
            ran += 1;
            for photo in 0..2 {
                let rows = factors.map(|(factor, temperature, weight)| {
                    ([0, 1, 2].map(|plane| factor * mean(photo, plane)), temperature, weight)
                });
                let expected = log_average(rows.iter().map(|(row, t, w)| (&row[..], *t, *w)));
                for (class, logit) in expected.into_iter().enumerate() {
                    let at = photo * 3 + class;
                    assert!((found[0].values[at] - logit).abs() < 1e-4, "{runtime} {logit}");
                    let p = f64::from(logit).exp();
                    assert!((f64::from(found[1].values[at]) - p).abs() < 1e-5, "{runtime} {p}");
                }
            }
        }
        assert!(ran > 0);
    }
}
