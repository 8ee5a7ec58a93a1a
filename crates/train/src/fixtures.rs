//! For tests: reads golden files, and includes the formula for weights and images.

use std::path::PathBuf;

use kennel_models::{StateDict, TensorValue};
use safetensors::{Dtype, SafeTensors};

#[path = "../../models/tests/common/formula.rs"]
pub mod formula;

/// Reads every tensor of `tests/fixtures/<name>`, converted to f32.
pub fn read_safetensors(name: &str) -> StateDict {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let data: Vec<f32> = match view.dtype() {
                Dtype::F32 => {
                    view.data().as_chunks().0.iter().map(|w| f32::from_le_bytes(*w)).collect()
                }
                Dtype::F64 => view
                    .data()
                    .as_chunks()
                    .0
                    .iter()
                    .map(|w| f64::from_le_bytes(*w) as f32)
                    .collect(),
                Dtype::I64 => view
                    .data()
                    .as_chunks()
                    .0
                    .iter()
                    .map(|w| i64::from_le_bytes(*w) as f32)
                    .collect(),
                other => panic!("{other:?}"),
            };
            (name, TensorValue { shape: view.shape().to_vec(), data })
        })
        .collect()
}
