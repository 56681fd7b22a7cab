	$(CHECK) ./$(NAME).so \
		--set sink.check.path=check/database
