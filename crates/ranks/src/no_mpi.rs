//! In place of `mpi/` where MPI libraries are not loaded.

use crate::error::RanksError;
use crate::launcher::Launch;

/// No value exists.
#[derive(Debug)]
pub(crate) enum Mpi {}

impl Mpi {
    pub fn start(launch: &Launch, _file: Option<String>) -> Result<Self, RanksError> {
        // Other systems choose the library by it.
        let _ = launch.family;
        Err(RanksError::Unavailable { launched: launch.said.clone() })
    }

    pub fn library(&self) -> &str {
        match *self {}
    }

    pub fn rank(&self) -> Result<usize, RanksError> {
        match *self {}
    }

    pub fn size(&self) -> Result<usize, RanksError> {
        match *self {}
    }

    pub fn barrier(&self) -> Result<(), RanksError> {
        match *self {}
    }

    pub fn broadcast(&self, _bytes: &mut [u8], _root: usize) -> Result<(), RanksError> {
        match *self {}
    }

    pub fn all_to_all(&self, _send: &[f32], _receive: &mut [f32]) -> Result<(), RanksError> {
        match *self {}
    }

    pub fn all_gather<T>(&self, _send: &[T], _receive: &mut [T]) -> Result<(), RanksError> {
        match *self {}
    }

    pub fn abort(&self, _code: i32) {
        match *self {}
    }
}
