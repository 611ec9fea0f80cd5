from . import request_response as request_response
