//! The rten runtime.

use std::path::Path;

use rten::{Model, ModelOptions, NodeId, Value, ValueOrView, ValueView};
use rten_tensor::Layout;

use super::{Input, Output, Values};

/// A model in rten.
pub struct Engine {
    model: Model,
}

impl Engine {
    /// Opens a file with all optimisations.
    pub fn open(path: &Path) -> Result<Self, String> {
        Self::open_with(path, true)
    }

    /// Opens a file without optimisations, so that every tensor of the graph stays available.
    pub fn open_unoptimised(path: &Path) -> Result<Self, String> {
        Self::open_with(path, false)
    }

    fn open_with(path: &Path, optimise: bool) -> Result<Self, String> {
        let mut options = ModelOptions::with_all_ops();
        options.enable_optimization(optimise).prepack_weights(optimise);
        let is_named_onnx =
            path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
        let model = if is_named_onnx {
            options.load_file(path)
        } else {
            // rten chooses the format by the extension of the file, so load other names from
            // memory. rten then cannot find a separate weights file.
            options.load(std::fs::read(path).map_err(|error| error.to_string())?)
        };
        Ok(Self { model: model.map_err(|error| error.to_string())? })
    }

    /// Runs the graph once. If the model was opened without optimisations, `outputs` may name any
    /// tensor.
    pub fn run(&self, input: Input<'_>, outputs: &[&str]) -> Result<Vec<Output>, String> {
        let id = |name: &str| self.model.node_id(name).map_err(|error| error.to_string());
        let value = match input.values {
            Values::Floats(values) => {
                ValueView::from_shape(input.shape, values).map_err(|e| e.to_string())?
            }
            Values::Bytes(values) => {
                ValueView::from_shape(input.shape, values).map_err(|e| e.to_string())?
            }
        };
        let inputs: Vec<(NodeId, ValueOrView)> = vec![(id(input.name)?, value.into())];
        let outputs = outputs.iter().map(|name| id(name)).collect::<Result<Vec<_>, _>>()?;
        let values = self.model.run(inputs, &outputs, None).map_err(|error| error.to_string())?;
        values.into_iter().map(output).collect()
    }
}

fn output(value: Value) -> Result<Output, String> {
    let shape = value.shape().to_vec();
    let values = match value {
        Value::FloatTensor(tensor) => tensor.into_data(),
        Value::Int32Tensor(tensor) => tensor.into_data().into_iter().map(|x| x as f32).collect(),
        Value::UInt8Tensor(tensor) => tensor.into_data().into_iter().map(f32::from).collect(),
        Value::Int8Tensor(tensor) => tensor.into_data().into_iter().map(f32::from).collect(),
        _ => return Err("an output is no tensor".into()),
    };
    Ok(Output { shape, values })
}
