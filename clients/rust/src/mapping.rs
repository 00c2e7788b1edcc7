//! Memory of a buffer in this process, and the calls that keep caches coherent (DMA_BUF_IOCTL_SYNC).
//!
//! Others have the memory, too, and may write to it at any time: that is what it is for. A `&[u8]` of it would promise that they do
//! not. So bytes are copied here, and slices are for who knows (`unsafe fn bytes`).

use std::ffi::c_void;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use rustix::io::Errno;
use rustix::ioctl::{ioctl, Setter, WriteOpcode};
use rustix::mm::{mmap, munmap, MapFlags, ProtFlags};

use crate::checks::invalid;
use crate::error::Result;

/// <linux/dma-buf.h>: `_IOW('b', 0, struct dma_buf_sync)`, of one u64.
type SyncOpcode = WriteOpcode<b'b', 0, u64>;
const READ: u64 = 1;
const READ_WRITE: u64 = 3;
const END: u64 = 4;

/// One memory of a buffer, mapped whole. It outlives the buffer, the client and the daemon; dropped, it is unmapped.
#[derive(Debug)]
pub struct Mapping {
    address: NonNull<u8>,
    size: usize,
    writable: bool,
    /// Of a dma_buf: the plane's own may be closed before this.
    sync: Option<OwnedFd>,
}

// SAFETY: pages are mapped for the process, not for a thread; the address is no other's to unmap.
unsafe impl Send for Mapping {}
// SAFETY: through a shared reference they are read, by copying; other processes write to them in any case.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this size, and unmapped here alone; what is lent of it has ended.
        let _ = unsafe { munmap(self.address.as_ptr().cast::<c_void>(), self.size) };
    }
}

impl Mapping {
    /// No more than the file has is mapped, or SIGBUS would follow; some kernels do not say how long a dma_buf is.
    pub(crate) fn new(
        fd: BorrowedFd<'_>,
        told: u64,
        writable: bool,
        is_dma_buf: bool,
    ) -> Result<Self> {
        let file_size = u64::try_from(rustix::fs::fstat(fd)?.st_size).unwrap_or(0);
        let size = if file_size > 0 {
            told.min(file_size)
        } else {
            told
        };
        let size = usize::try_from(size).map_err(io::Error::other)?;
        let sync = if is_dma_buf {
            Some(fd.try_clone_to_owned()?)
        } else {
            None
        };
        let protection = if writable {
            ProtFlags::READ | ProtFlags::WRITE
        } else {
            ProtFlags::READ
        };
        // SAFETY: a new mapping at an address that the kernel chooses: no other memory of the process is touched.
        let address = unsafe {
            mmap(
                std::ptr::null_mut(),
                size,
                protection,
                MapFlags::SHARED,
                fd,
                0,
            )?
        };
        let address = NonNull::new(address.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self {
            address,
            size,
            writable,
            sync,
        })
    }

    /// In bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.size
    }

    /// Where it is, for who passes it on. Between [`read`](Self::read) or [`write`](Self::write) and their end it is coherent.
    pub fn as_ptr(&self) -> *mut u8 {
        self.address.as_ptr()
    }

    /// Begins reading by the CPU: DMA_BUF_IOCTL_SYNC's start, and its end when what this returns is dropped. A memfd needs none of
    /// that.
    pub fn read(&self) -> Result<Reading<'_>> {
        self.sync(READ)?;
        Ok(Reading { mapping: self })
    }

    /// Begins reading and writing by the CPU.
    pub fn write(&mut self) -> Result<Writing<'_>> {
        if !self.writable {
            return invalid("the memory is mapped for reading alone");
        }
        self.sync(READ_WRITE)?;
        Ok(Writing { mapping: self })
    }

    /// Repeated where it is interrupted, as the header demands.
    fn sync(&self, flags: u64) -> io::Result<()> {
        let Some(fd) = &self.sync else { return Ok(()) };
        loop {
            // SAFETY: the opcode takes a pointer to one u64, which is read during the call.
            match unsafe { ioctl(fd, Setter::<SyncOpcode, u64>::new(flags)) } {
                Ok(()) => return Ok(()),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Where so many bytes are from the offset on.
    fn at(&self, offset: usize, length: usize) -> Result<*mut u8> {
        match offset.checked_add(length) {
            // SAFETY: at most one past the end of the mapping.
            Some(end) if end <= self.size => Ok(unsafe { self.address.as_ptr().add(offset) }),
            _ => invalid(format!(
                "offset: {length} bytes at {offset} are not in {} bytes of memory",
                self.size
            )),
        }
    }

    fn copy_to(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let from = self.at(offset, bytes.len())?;
        // SAFETY: `at` has checked the range, which is mapped for reading; a slice of the process's own is elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }
}

macro_rules! reads {
    ($guard:ident, $flags:expr) => {
        impl $guard<'_> {
            /// Copies bytes out, from `offset` on.
            pub fn copy_to(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
                self.mapping.copy_to(offset, bytes)
            }

            /// So many bytes, copied, from `offset` on.
            pub fn to_vec(&self, offset: usize, length: usize) -> Result<Vec<u8>> {
                self.mapping.at(offset, length)?;
                let mut bytes = vec![0; length];
                self.copy_to(offset, &mut bytes)?;
                Ok(bytes)
            }

            /// The bytes themselves.
            ///
            /// # Safety
            ///
            /// Nobody writes to the memory, neither in this process nor in another one nor a device, while there is the slice.
            pub unsafe fn bytes(&self) -> &[u8] {
                // SAFETY: all of it is mapped for as long as `self` is there; the caller answers for who writes.
                unsafe {
                    std::slice::from_raw_parts(self.mapping.address.as_ptr(), self.mapping.size)
                }
            }

            /// Ends the access, and says whether that went well; dropping it ends it, too.
            pub fn end(self) -> Result<()> {
                let ended = self.mapping.sync($flags | END);
                std::mem::forget(self);
                Ok(ended?)
            }
        }

        impl Drop for $guard<'_> {
            fn drop(&mut self) {
                // Who wants to know calls `end`.
                let _ = self.mapping.sync($flags | END);
            }
        }
    };
}

/// Memory that is read by the CPU, until this is dropped.
#[derive(Debug)]
pub struct Reading<'a> {
    mapping: &'a Mapping,
}
reads!(Reading, READ);

/// Memory that is read and written by the CPU, until this is dropped.
#[derive(Debug)]
pub struct Writing<'a> {
    mapping: &'a mut Mapping,
}
reads!(Writing, READ_WRITE);

impl Writing<'_> {
    /// Copies bytes in, from `offset` on.
    pub fn copy_from(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let to = self.mapping.at(offset, bytes.len())?;
        // SAFETY: `at` has checked the range, which is mapped for writing; a slice of the process's own is elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }

    /// Writes one byte all over.
    pub fn fill(&mut self, byte: u8) {
        // SAFETY: all of it is mapped for writing.
        unsafe { std::ptr::write_bytes(self.mapping.address.as_ptr(), byte, self.mapping.size) };
    }

    /// The bytes themselves.
    ///
    /// # Safety
    ///
    /// Nobody else reads or writes the memory, neither in this process nor in another one nor a device, while there is the slice.
    pub unsafe fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: all of it is mapped for as long as `self` is there; the caller answers for who has it beside.
        unsafe { std::slice::from_raw_parts_mut(self.mapping.address.as_ptr(), self.mapping.size) }
    }
}
