	printf '{"id": "s%d"}\n' 1 2 3 >check/students.ndjson
	echo '{"records": 3}' >>check/students.ndjson
	$(CHECK) ./$(NAME).so \
		--set source.check.directory=check
