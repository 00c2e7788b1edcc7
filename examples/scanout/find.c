/*
 * What a card has is a graph: a plane feeds CRTCs, a CRTC feeds encoders, an encoder is a connector's. Here a way through it is
 * chosen, to a connector with something on it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <xf86drm.h>

#include "find.h"

uint32_t display_property(int fd, uint32_t object, uint32_t type, const char *name, uint64_t *value)
{
	drmModeObjectProperties *all = drmModeObjectGetProperties(fd, object, type);
	uint32_t found = 0;

	for (uint32_t i = 0; all && i < all->count_props && !found; i++) {
		drmModePropertyRes *each = drmModeGetProperty(fd, all->props[i]);

		if (each && strcmp(each->name, name) == 0) {
			found = each->prop_id;
			if (value)
				*value = all->prop_values[i];
		}
		drmModeFreeProperty(each);
	}
	drmModeFreeObjectProperties(all);
	return found;
}

static bool choose_mode(struct display *d, const drmModeConnector *connector, uint32_t width, uint32_t height)
{
	for (int i = 0; i < connector->count_modes; i++) {
		d->mode = connector->modes[i]; /* the preferred one comes first */
		if (!width || (d->mode.hdisplay == width && d->mode.vdisplay == height))
			return true;
	}
	return false;
}

static uint32_t crtcs_of(int fd, const drmModeConnector *connector)
{
	uint32_t possible = 0;

	for (int i = 0; i < connector->count_encoders; i++) {
		drmModeEncoder *encoder = drmModeGetEncoder(fd, connector->encoders[i]);

		possible |= encoder ? encoder->possible_crtcs : 0;
		drmModeFreeEncoder(encoder);
	}
	return possible;
}

static bool choose_plane(struct display *d, unsigned crtc_index)
{
	drmModePlaneRes *planes = drmModeGetPlaneResources(d->fd);
	uint64_t type = 0;

	for (uint32_t i = 0; planes && i < planes->count_planes && !d->plane; i++) {
		drmModePlane *plane = drmModeGetPlane(d->fd, planes->planes[i]);

		display_property(d->fd, planes->planes[i], DRM_MODE_OBJECT_PLANE, "type", &type);
		if (plane && (plane->possible_crtcs & (1u << crtc_index)) && type == DRM_PLANE_TYPE_PRIMARY)
			d->plane = plane->plane_id;
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(planes);
	return d->plane != 0;
}

bool display_choose(struct display *d, uint32_t width, uint32_t height)
{
	drmModeRes *resources = drmModeGetResources(d->fd);
	unsigned crtc_index = 0;

	for (int i = 0; resources && i < resources->count_connectors && !d->connector; i++) {
		drmModeConnector *connector = drmModeGetConnector(d->fd, resources->connectors[i]);

		if (connector && connector->connector_type != DRM_MODE_CONNECTOR_WRITEBACK &&
		    connector->connection == DRM_MODE_CONNECTED && choose_mode(d, connector, width, height)) {
			uint32_t possible = crtcs_of(d->fd, connector);

			crtc_index = (unsigned)ffs((int)possible) - 1;
			if (possible && crtc_index < (unsigned)resources->count_crtcs) {
				d->connector = connector->connector_id;
				d->crtc = resources->crtcs[crtc_index];
			}
		}
		drmModeFreeConnector(connector);
	}
	for (int i = 0; resources && i < resources->count_connectors && !d->writeback; i++) {
		drmModeConnector *connector = drmModeGetConnector(d->fd, resources->connectors[i]);

		if (connector && connector->connector_type == DRM_MODE_CONNECTOR_WRITEBACK &&
		    (crtcs_of(d->fd, connector) & (1u << crtc_index)))
			d->writeback = connector->connector_id;
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);
	return d->connector && choose_plane(d, crtc_index);
}
