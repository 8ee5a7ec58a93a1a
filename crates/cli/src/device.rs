//! The flag that chooses where a network runs.

use clap::Args;
use kennel_infer::{Compute, DeviceChoice};

use crate::failure::Failure;
use crate::hints::parsed;
use crate::session::Session;

#[derive(Args)]
pub struct DeviceArg {
    /// Device: auto, cpu, cuda[:n], rocm, metal, vulkan or webgpu
    #[arg(long, env = "KENNEL_DEVICE", hide_env_values = true, default_value_t, value_parser = parsed::<DeviceChoice>)]
    device: DeviceChoice,
}

impl DeviceArg {
    /// Opens the device. With `auto`, prints its name unless it is the CPU.
    pub fn open(&self, session: &Session) -> Result<Compute, Failure> {
        let compute = self.device.open()?;
        if self.device == DeviceChoice::Auto && compute.name != "cpu" {
            say!(session, "device     {}", compute.name);
        }
        detail!(session, "computes   {}", crate::checks::compute(&compute));
        Ok(compute)
    }
}
