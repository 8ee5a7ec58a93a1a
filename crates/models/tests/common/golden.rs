//! Reads the files that `tools/fixtures/golden.py` writes.

use std::collections::HashMap;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};

/// A safetensors file of this crate's fixtures.
pub struct Golden {
    bytes: Vec<u8>,
    pub metadata: HashMap<String, String>,
}

impl Golden {
    /// Reads `<case>/<arch>.safetensors`.
    pub fn read(case: &str, arch: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/fixtures/{case}/{arch}.safetensors"));
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = header.metadata().clone().unwrap();
        Self { bytes, metadata }
    }

    /// Returns the values of a tensor of f32 or bf16.
    pub fn values(&self, name: &str) -> Vec<f32> {
        let parsed = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = parsed.tensor(name).unwrap();
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => data
                .chunks_exact(4)
                .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
                .collect(),
            Dtype::BF16 => data
                .chunks_exact(2)
                .map(|word| half::bf16::from_le_bytes(word.try_into().unwrap()).to_f32())
                .collect(),
            other => panic!("{name}: {other:?}"),
        }
    }
}
