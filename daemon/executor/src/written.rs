//! Which pages of a mapping were written since it was mapped: the kernel knows, and tells it in one of two ways.
//!
//! Where it can, the mapping is write-protected once, page by page, in the kernel's own account (userfaultfd in its
//! asynchronous mode): the first write to a page, which has to copy it anyway, takes the mark away, and `PAGEMAP_SCAN`
//! gives the pages without a mark by looking at nothing but page tables. Elsewhere the whole page map is read: a page that
//! was written is no longer a page of the file. This takes about ten times as long, because for every page the
//! kernel looks at the page's own record.
//!
//! Either answer may name a page too many, never one too few.

use rustix::fd::{AsFd, OwnedFd};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Updater, ioctl, opcode};
use rustix::mm::UserfaultfdFlags;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A run of pages of a mapping: the first, and how many.
pub(crate) type Run = (usize, usize);

/// Runs that the kernel gives at a time.
const RUNS_AT_ONCE: usize = 512;

// include/uapi/linux/userfaultfd.h
const USER_MODE_ONLY: u32 = 1;
const API: u64 = 0xaa;
const FEATURE_SHMEM: u64 = 1 << 12;
const FEATURE_UNPOPULATED: u64 = 1 << 13;
const FEATURE_ASYNCHRONOUS: u64 = 1 << 15;
const REGISTER_WRITE_PROTECT: u64 = 1 << 1;
const WRITE_PROTECT: u64 = 1;
// include/uapi/linux/fs.h
const PAGE_IS_WRITTEN: u64 = 1 << 1;

#[repr(C)]
struct Api {
    version: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
struct Register {
    start: u64,
    len: u64,
    mode: u64,
    ioctls: u64,
}

#[repr(C)]
struct WriteProtect {
    start: u64,
    len: u64,
    mode: u64,
}

/// `struct page_region`: addresses and what they have in common.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

// SAFETY: the opcode is that of `PAGEMAP_SCAN`, whose argument is this structure, and the kernel writes at most
// `regions_len` elements from `regions` on, which the only user points at a vector of that length.
unsafe impl Ioctl for Scan {
    type Output = (usize, u64);
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::read_write::<Self>(b'f', 16)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut(self).cast()
    }

    unsafe fn output_from_ptr(found: IoctlOutput, argument: *mut c_void) -> rustix::io::Result<Self::Output> {
        // SAFETY: the pointer is the one that `as_ptr` gave.
        let walk_end = unsafe { (*argument.cast::<Self>()).walk_end };
        Ok((usize::try_from(found).unwrap_or(0), walk_end))
    }
}

/// Marks on the pages of mappings.
struct Marks {
    descriptor: OwnedFd,
}

impl Marks {
    fn open() -> io::Result<Self> {
        let flags = UserfaultfdFlags::CLOEXEC
            | UserfaultfdFlags::NONBLOCK
            | UserfaultfdFlags::from_bits_retain(USER_MODE_ONLY);
        // SAFETY: the descriptor is used for nothing but marks on mappings of this crate.
        let descriptor = unsafe { rustix::mm::userfaultfd(flags) }?;
        let features = FEATURE_SHMEM | FEATURE_UNPOPULATED | FEATURE_ASYNCHRONOUS;
        let mut api = Api { version: API, features, ioctls: 0 };
        // SAFETY: `UFFDIO_API` reads and writes a structure of this layout.
        unsafe {
            ioctl(&descriptor, Updater::<{ opcode::read_write::<Api>(API as u8, 0x3f) }, Api>::new(&mut api))
        }?;
        Ok(Self { descriptor })
    }

    fn register(&self, base: usize, len: usize) -> io::Result<()> {
        let mut register =
            Register { start: base as u64, len: len as u64, mode: REGISTER_WRITE_PROTECT, ioctls: 0 };
        // SAFETY: `UFFDIO_REGISTER` reads and writes a structure of this layout; in the asynchronous mode no access to the
        // mapping is ever held up.
        unsafe {
            ioctl(
                &self.descriptor,
                Updater::<{ opcode::read_write::<Register>(API as u8, 0) }, Register>::new(&mut register),
            )
        }?;
        self.mark(base, len)
    }

    fn mark(&self, base: usize, len: usize) -> io::Result<()> {
        let mut protect = WriteProtect { start: base as u64, len: len as u64, mode: WRITE_PROTECT };
        // SAFETY: `UFFDIO_WRITEPROTECT` reads a structure of this layout; writes go on as before, and lose the marks.
        unsafe {
            ioctl(
                &self.descriptor,
                Updater::<{ opcode::read_write::<WriteProtect>(API as u8, 6) }, WriteProtect>::new(
                    &mut protect,
                ),
            )
        }?;
        Ok(())
    }
}

/// Watches mappings of this process.
pub(crate) struct Watch {
    pages: File,
    page: usize,
    marks: Option<Marks>,
}

impl Watch {
    /// `marks`: with marks, or not at all; without, by the page map.
    pub(crate) fn open(marks: bool) -> io::Result<Self> {
        Ok(Self {
            pages: File::open("/proc/self/pagemap")?,
            page: rustix::param::page_size(),
            marks: marks.then(Marks::open).transpose()?,
        })
    }

    /// Begins to watch a private mapping of a file.
    pub(crate) fn begin(&self, base: usize, len: usize) -> io::Result<()> {
        self.marks.as_ref().map_or(Ok(()), |marks| marks.register(base, len))
    }

    /// Begins the list of written pages anew, without a change of the pages. False where the kernel has no marks: there a
    /// page leaves the list when it is given back.
    pub(crate) fn begin_anew(&self, base: usize, len: usize) -> io::Result<bool> {
        self.marks.as_ref().map_or(Ok(false), |marks| marks.mark(base, len).map(|()| true))
    }

    /// Pages that were written, by their number in the mapping, in order.
    pub(crate) fn written(&self, base: usize, len: usize) -> io::Result<Vec<Run>> {
        if self.marks.is_some() {
            self.without_marks(base, len)
        } else {
            self.no_longer_of_the_file(base, len)
        }
    }

    fn without_marks(&self, base: usize, len: usize) -> io::Result<Vec<Run>> {
        let end = (base + len.next_multiple_of(self.page)) as u64;
        let mut regions = [PageRegion::default(); RUNS_AT_ONCE];
        let (mut runs, mut start) = (Vec::new(), base as u64);
        while start < end {
            let scan = Scan {
                size: size_of::<Scan>() as u64,
                start,
                end,
                regions: regions.as_mut_ptr() as u64,
                regions_len: regions.len() as u64,
                category_anyof_mask: PAGE_IS_WRITTEN,
                return_mask: PAGE_IS_WRITTEN,
                ..Scan::default()
            };
            // SAFETY: `regions` has room for as many elements as the argument says.
            let (found, walked) = unsafe { ioctl(self.pages.as_fd(), scan) }?;
            for region in regions.get(..found).unwrap_or_default() {
                let first = (region.start as usize - base) / self.page;
                extend(&mut runs, first, (region.end - region.start) as usize / self.page);
            }
            if walked <= start {
                return Err(io::Error::other("the kernel's account of pages does not end"));
            }
            start = walked;
        }
        Ok(runs)
    }

    fn no_longer_of_the_file(&self, base: usize, len: usize) -> io::Result<Vec<Run>> {
        // Kernel documentation, admin-guide/mm/pagemap: 64 bits a page; 63 present, 62 swapped, 61 page of a file.
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        const OF_FILE: u64 = 1 << 61;
        let mut entries = vec![0; 8 * len.div_ceil(self.page)];
        self.pages.read_exact_at(&mut entries, (base / self.page * 8) as u64)?;
        let mut runs = Vec::new();
        for (number, entry) in entries.chunks_exact(8).enumerate() {
            let entry = u64::from_ne_bytes(entry.try_into().expect("eight bytes"));
            if entry & (PRESENT | SWAPPED) != 0 && entry & OF_FILE == 0 {
                extend(&mut runs, number, 1);
            }
        }
        Ok(runs)
    }
}

/// Adds pages that follow those of `runs`.
fn extend(runs: &mut Vec<Run>, first: usize, count: usize) {
    match runs.last_mut() {
        Some((before, length)) if *before + *length == first => *length += count,
        _ => runs.push((first, count)),
    }
}
