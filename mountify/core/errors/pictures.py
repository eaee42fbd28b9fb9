"""What is refused about pictures."""

from __future__ import annotations

from mountify.core.errors import N_, ShopError


class ImagesUnavailable(ShopError):
    status = 503
    code = "images_unavailable"
    message = N_("The image service did not answer. Please try again.")


class ImageRefused(ShopError):
    code = "image_refused"
    message = N_("This file is not a picture the shop can use.")


class NoImageService(ShopError):
    status = 503
    code = "no_image_service"
    message = N_(
        "This shop has no image service yet, so pictures cannot be uploaded. Set CLOUDINARY_URL, and start again."
    )


class NotAPicture(ShopError):
    """By its content, whatever its name says; or more than a picture."""

    status = 415
    code = "not_a_picture"
    message = N_("This is no JPEG, PNG, WebP or AVIF picture, or it is damaged.")


class PictureTooBig(ShopError):
    status = 413
    code = "picture_too_big"
    message = N_("A picture has at most 5 MB.")


class TooManyPixels(ShopError):
    status = 413
    code = "too_many_pixels"
    message = N_("A picture has at most 40 megapixels.")


class TooManyPictures(ShopError):
    status = 409
    code = "too_many_pictures"
    message = N_("A product has at most %(most)s pictures. Please delete one first.")


class PictureInUse(ShopError):
    status = 409
    code = "picture_in_use"
    message = N_("A product or an order still shows this picture.")
