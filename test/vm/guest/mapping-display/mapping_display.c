// SPDX-License-Identifier: GPL-2.0
/*
 * Why: stands in for a display whose driver lets programs map what they have imported, as a GPU's may. vkms has no mapping of
 * its own, and what it has in its place (drm_gem_dumb_map_offset) refuses imported memory, so that Mesa's software rendering
 * cannot draw into it. This gives the device of `path` a copy of vkms's driver with a dumb_map_offset that does not refuse; all
 * else is vkms's. It lasts as long as the module is there. display.ts builds it.
 */
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_vma_manager.h>
#include <linux/fs.h>
#include <linux/module.h>

static char *path = "/dev/dri/card0";
module_param(path, charp, 0444);

static struct drm_device *device;
static const struct drm_driver *own;
static struct drm_driver mapping;

static int map_offset(struct drm_file *client, struct drm_device *dev, u32 handle, u64 *offset)
{
	struct drm_gem_object *object = drm_gem_object_lookup(client, handle);
	int ret;

	if (!object)
		return -ENOENT;
	ret = drm_gem_create_mmap_offset(object);
	if (ret == 0)
		*offset = drm_vma_node_offset_addr(&object->vma_node);
	drm_gem_object_put(object);
	return ret;
}

static int __init begin(void)
{
	struct file *file = filp_open(path, O_RDWR, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	device = ((struct drm_file *)file->private_data)->minor->dev;
	drm_dev_get(device);
	/* Who has it open first is its master, which a compositor has to be. */
	filp_close(file, NULL);
	own = device->driver;
	mapping = *own;
	mapping.dumb_map_offset = map_offset;
	device->driver = &mapping;
	return 0;
}

static void __exit end(void)
{
	device->driver = own;
	drm_dev_put(device);
}

module_init(begin);
module_exit(end);
MODULE_DESCRIPTION("A display that maps imported memory");
MODULE_LICENSE("GPL");
