//! Opens a device by its name.

use kennel_infer::{Compute, DeviceChoice};

use crate::error::Refusal;
use crate::{Error, Result};

/// The name of the best device that is compiled in and works.
pub const AUTO: &str = "auto";

/// Opens a device: `auto`, `cpu`, `cuda:1`.
pub fn open(name: &str) -> Result<Compute> {
    let choice: DeviceChoice =
        name.parse().map_err(|reason| Refusal::Device { name: name.into(), reason })?;
    choice.open().map_err(Error::of)
}
