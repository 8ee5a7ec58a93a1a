//! Two small networks. `tools/pretrain_demo.sh` pretrains them on breeds that the demonstration
//! does not use.

use std::path::{Path, PathBuf};

use kennel_core::{CoreError, files};

/// A pretrained network, embedded in this program as a timm model folder.
pub struct Backbone {
    /// Its architecture.
    pub model: &'static str,
    weights: &'static [u8],
    config: &'static str,
}

/// The two networks of the demonstration.
pub const BACKBONES: [Backbone; 2] = [
    Backbone {
        model: "test_resnet",
        weights: include_bytes!("../weights/test_resnet/model.safetensors"),
        config: include_str!("../weights/test_resnet/config.json"),
    },
    Backbone {
        model: "test_efficientnet",
        weights: include_bytes!("../weights/test_efficientnet/model.safetensors"),
        config: include_str!("../weights/test_efficientnet/config.json"),
    },
];

impl Backbone {
    /// Writes `folder/<model>/{model.safetensors,config.json}` and returns that folder.
    ///
    /// # Errors
    ///
    /// [`CoreError::Io`] when a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, CoreError> {
        let folder = folder.join(self.model);
        files::create_dir_all(&folder)?;
        files::write_atomically(&folder.join("model.safetensors"), self.weights)?;
        files::write_atomically(&folder.join("config.json"), self.config.as_bytes())?;
        Ok(folder)
    }
}
