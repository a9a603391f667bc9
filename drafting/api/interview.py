"""Preparing an interview over HTTP: validate, one call, serialise; awaited, or in a batch of one."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import refusals
from accounts.concurrency import in_database_thread
from accounts.idempotency import idempotent
from accounts.models import User
from drafting.api.serializers import SOURCES_RULE, SourcesSerializer
from drafting.drafter import load_source
from drafting.errors import UNFIT_SOURCES
from drafting.interview import TASK, prepare_interview
from drafting.language import codes
from extraction.api.serializers import CallSerializer, call_body
from orchestration.api.batches import PREFER, BatchSerializer, accepted_alone, is_asked_for
from orchestration.api.generating import GeneratingAPIView
from orchestration.batches.kinds import Answer, Kind
from orchestration.errors import ABOUT_THE_INPUT


class InterviewInputSerializer(SourcesSerializer):
    """`job_id` or `job_data`, and `profile_id` or `master_profile`; the rest has defaults."""

    language = serializers.ChoiceField(choices=codes(), required=False, help_text="Default: the posting's.")
    count = serializers.IntegerField(default=10, min_value=1, max_value=20, help_text="The most questions.")


class LineSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="posting-3 is a line of the posting, work-1.h2 one of the profile.")
    text = serializers.CharField()


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField()
    rests_on = LineSerializer(many=True)


class InterviewSerializer(CallSerializer):
    language = serializers.CharField()
    questions = QuestionSerializer(many=True, help_text="The likeliest first.")
    dropped = serializers.IntegerField(help_text="Questions of the model that rested on nothing.")


class InterviewView(GeneratingAPIView):
    @extend_schema(
        request=InterviewInputSerializer,
        parameters=[PREFER],
        responses={
            200: InterviewSerializer,
            202: BatchSerializer,
            **refusals(*UNFIT_SOURCES, *ABOUT_THE_INPUT, rule=SOURCES_RULE),
        },
    )
    @idempotent
    async def post(self, request: Request) -> Response:
        """Questions for an interview, each with the lines of posting and profile that it rests on. They are
        kept with their batch where they are not waited for, otherwise only by an Idempotency-Key, for a day.
        """
        if is_asked_for(request):
            return await accepted_alone(request, kind=TASK, item=request.data)
        answer = await _answer(cast(User, request.user), request.data)
        return Response(answer.data, status=answer.status)


async def _answer(user: User, given: Any) -> Answer:
    serializer = InterviewInputSerializer(data=given)
    serializer.is_valid(raise_exception=True)
    source = await in_database_thread(load_source, user=user, **serializer.sources)
    asked = {name: serializer.validated_data.get(name) for name in ("count", "language")}
    prep = await prepare_interview(user=user, source=source, **asked)
    questions = [
        {"question": one.text, "rests_on": [{"id": name, "text": text} for name, text in one.lines.items()]}
        for one in prep.questions
    ]
    told = {"language": prep.language, "questions": questions, "dropped": prep.dropped}
    return Answer(200, told | call_body(prep.result, prep.latency_ms, prep.result.request_id))


def _check(given: Any) -> None:
    InterviewInputSerializer(data=given).is_valid(raise_exception=True)


KIND = Kind(TASK, _check, _answer)
