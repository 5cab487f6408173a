"""Post messages to domain posts and back. What a message alone cannot know, `service.domain.validation` checks."""

from assay.v1 import post_pb2

from service.domain.post import NO_CONTEXT, Context, Post, Surface
from service.domain.validation import check
from service.errors import InvalidInput
from service.rpc.client_errors import sendable
from service.rpc.messages.enums import SURFACES
from service.rpc.messages.times import read_time, write_time

POST_NAME = r"platforms/[a-z0-9-]{1,63}/posts/[!-.0-~]{1,512}"


def read_post(message: post_pb2.Post, field: str) -> Post:
    """The post, checked. Raises `InvalidInput` whose path starts with `field`, such as `posts[3].context.image_alt`."""
    try:
        post = decode_post(message)
        check(post)
    except InvalidInput as error:
        raise error.at(field) from None
    return post


def try_post(message: post_pb2.Post, field: str) -> Post | InvalidInput:
    """The post, or what is wrong with it: for calls that answer each post by itself."""
    try:
        return read_post(message, field)
    except InvalidInput as error:
        return error


def decode_post(message: post_pb2.Post) -> Post:
    """The post as it was sent. Raises `InvalidInput` where the domain has no word for what the message says."""
    platform, post_id = _name_parts(message.name)
    return Post(
        platform=platform,
        id=post_id,
        text=message.text,
        surface=SURFACES.member(message.surface, "surface") or Surface.FEED,
        author=message.author,
        locale=message.locale,
        region=message.region,
        created_at=read_time(message.create_time, "create_time") if message.HasField("create_time") else None,
        context=_decode_context(message.context) if message.HasField("context") else NO_CONTEXT,
        metadata=dict(message.metadata),
    )


def encode_post(post: Post) -> post_pb2.Post:
    """The message for `post`. Raises `InvalidInput` for text that is not Unicode (half of a surrogate pair)."""
    with sendable("post"):
        message = post_pb2.Post(
            name=post.name,
            text=post.text,
            surface=SURFACES.number(post.surface),
            author=post.author,
            locale=post.locale,
            region=post.region,
            context=_encode_context(post.context),
            metadata=post.metadata,
        )
    if post.created_at is not None:
        write_time(post.created_at, message.create_time)
    return message


def _name_parts(name: str) -> tuple[str, str]:
    match name.split("/"):
        case ["platforms", platform, "posts", post_id]:
            return platform, post_id
    problem = f"{name[:80]!r} is not platforms/{{platform}}/posts/{{post}}" if name else "is missing"
    raise InvalidInput("name", problem, "name the post as in platforms/example/posts/123, with your own id")


def _decode_context(message: post_pb2.PostContext) -> Context:
    return Context(
        message.parent_text, message.link_title, message.image_alt, message.image_text, message.digital_source_type
    )


def _encode_context(context: Context) -> post_pb2.PostContext | None:
    if context == NO_CONTEXT:
        return None
    return post_pb2.PostContext(**{name: getattr(context, name) for name in Context.__slots__})
